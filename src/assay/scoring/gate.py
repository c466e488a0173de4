"""Whether scores reach a benchmark's quality targets."""

from __future__ import annotations

from assay.benchmarks import Benchmark, QualityTargets
from assay.scoring.model import Gate, Range, Scores


def quality_gate(benchmark: Benchmark, scores: Scores) -> Gate:
    """Each metric that has a target lies in its range.

    A subset isn't comparable: the targets are means over the whole dataset, and on a part of it the mean can
    differ by more than the 1 % that the gate allows.
    """
    quality = benchmark.quality
    if quality is None:
        return Gate("no reference", (f"no reference scores have been measured for {benchmark.name}",))
    if scores.samples != quality.samples:
        return Gate(
            f"not comparable: {scores.samples} samples of {quality.samples}",
            (f"the reference was measured over {quality.samples:,} samples",),
        )
    conditions = [_condition(metric, wanted, quality, scores) for metric, wanted in quality.targets.items()]
    verdict = "pass" if all(holds for holds, _ in conditions) else "fail"
    return Gate(verdict, tuple(f"{'holds' if holds else 'fails'}: {text}" for holds, text in conditions))


def _condition(metric: str, wanted: Range, quality: QualityTargets, scores: Scores) -> tuple[bool, str]:
    value = scores.values.get(metric)
    if value is None:
        return False, f"{metric} isn't among what {scores.scorer} scores"
    low, high = wanted
    words = [f"at least {_shown(low)}"] * (low is not None) + [f"at most {_shown(high)}"] * (high is not None)
    reference = quality.reference.get(metric)
    beside = "" if reference is None else f" (reference {_shown(reference)})"
    holds = (low is None or value >= low) and (high is None or value <= high)
    return holds, f"{metric} {_shown(value)}, {' and '.join(words)}{beside}"


def _shown(value: float | None) -> str:
    """Four decimals, as MLPerf gives scores; none for counts."""
    return "" if value is None else f"{value:.0f}" if abs(value) >= _COUNTS else f"{value:.4f}"


_COUNTS = 10_000
