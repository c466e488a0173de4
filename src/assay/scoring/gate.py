"""Whether scores reach a benchmark's quality targets."""

from __future__ import annotations

from assay.benchmarks import Benchmark
from assay.scoring.model import Gate, RougeScores


def quality_gate(benchmark: Benchmark, scores: RougeScores) -> Gate:
    """Compare with the reference: each ROUGE at least its share, `gen_len` within its range.

    A subset isn't comparable: the targets are means over the whole dataset, and on a part of it the mean can
    differ by more than the 1 % that the gate allows.
    """
    targets = benchmark.quality
    if targets is None:
        return Gate("no reference", (f"no reference scores have been measured for {benchmark.name}",))
    if scores.gen_num != targets.gen_num:
        return Gate(
            f"not comparable: {scores.gen_num} samples of {targets.gen_num}",
            (f"the reference was measured over {targets.gen_num} samples ({targets.source})",),
        )
    conditions = []
    for metric, value in scores.values().items():
        reference = getattr(targets, metric)
        least = targets.min_rouge_ratio * reference
        text = f"{metric} {value:.4f}, at least {least:.4f} ({targets.min_rouge_ratio:g} of {reference:.4f})"
        conditions.append((value >= least, text))
    low, high = targets.min_gen_len_ratio * targets.gen_len, targets.max_gen_len_ratio * targets.gen_len
    conditions.append((low <= scores.gen_len <= high, f"gen_len {scores.gen_len}, {low:.0f} to {high:.0f} characters"))
    verdict = "pass" if all(holds for holds, _ in conditions) else "fail"
    return Gate(verdict, tuple(f"{'holds' if holds else 'fails'}: {text}" for holds, text in conditions))
