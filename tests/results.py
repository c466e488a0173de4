"""Results as a bench run writes them, with the figures that a test is about."""

from __future__ import annotations

from collections.abc import Mapping

from assay.runs import Distribution, Figure, Result, RunStatus
from assay.runs.result import LoadgenVerdict, Verdict


def figure(value: float, spread: float | None = None) -> Figure:
    """A figure; `spread` is half of its interval, as a share of it."""
    return Figure(
        value=value,
        low=None if spread is None else value * (1 - spread),
        high=None if spread is None else value * (1 + spread),
        unit="u",
        formula="f",
        source="s",
    )


def distribution(ms: float, **others_ms: float) -> Distribution:
    """A latency whose percentiles are all `ms`, but for those that are named."""
    names = ("min", "p50", "p90", "p95", "p97", "p99", "p99_9", "max")
    percentiles = {name: int(others_ms.get(name, ms) * 1e6) for name in names}
    return Distribution(n=10, mean=ms * 1e6, **percentiles, formula="f", source="s")


def bench_result(run: str, figures: Mapping[str, Figure], ttft: Distribution) -> Result:
    """The result of one load that was carried out."""
    return Result(
        run=run,
        benchmark="own-prompts",
        scenario="Concurrency",
        mode="performance",
        official=False,
        status=RunStatus.COMPLETED,
        reason="",
        verdict=Verdict(valid=False, words=""),
        loadgen=LoadgenVerdict(result=None),
        figures=dict(figures),
        latency={"ttft_ns": ttft},
        endpoints=[],
    )


def offline_result(run: str, figures: Mapping[str, Figure]) -> Result:
    """The result of an Offline run that was carried out."""
    made = bench_result(run, figures, distribution(10))
    return made.model_copy(update={"scenario": "Offline", "benchmark": "smollm2-135m"})
