"""The part of a run's page that holds its figure beside published results of other people's hardware."""

from __future__ import annotations

from collections.abc import Iterator

from assay.analysis.run import RunAnalysis, measures_speed
from assay.benchmarks.mlperf import PUBLISHED_SOURCE, PublishedResult, published_results
from assay.report import format as fmt
from assay.report.page import Block, Rows, Table, Text

_OWN = "this run"
_OTHERS = "others' hardware, not measured here"


def published_blocks(analysis: RunAnalysis) -> Iterator[Block]:
    """Results of the run's benchmark and scenario; nothing where none are known, or the run measures no hardware."""
    record = analysis.record
    known = published_results(analysis.benchmark.name, record.scenario) if analysis.benchmark.mlperf else ()
    if not known or record.simulated or record.mode != "performance":
        return
    own = _own_row(analysis, known)
    if own is None:
        return
    others: Rows = [(r.accelerator, _value(r), f"{r.round} {r.submitter}".rstrip(), _OTHERS) for r in known]
    columns = ("System", _quantity(known), "Round and submitter", "Whose")
    yield Table("Beside published results", columns, [own, *others], frozenset({1}), PUBLISHED_SOURCE)
    yield Text(
        "Published results are whole systems', divided by their accelerators; engines, precisions and versions differ. "
        "They say what this benchmark reached elsewhere, not what it should reach here."
    )


def _own_row(analysis: RunAnalysis, known: tuple[PublishedResult, ...]) -> tuple[str, ...] | None:
    result = analysis.result
    names = [name for endpoint in analysis.record.endpoints for name in endpoint.accelerators]
    system = f"{len(names)} x {', '.join(dict.fromkeys(names))}" if names else "accelerators not named"
    if known[0].latency_ms is not None:
        latency = result.latency.get("latency_ns")
        value = None if latency is None else fmt.ms(latency.p90)
    else:
        rate = result.figures.get("output_tokens_per_s")
        value = None if rate is None or not names else fmt.number(rate.value / len(names))
    whose = _OWN if measures_speed(analysis.record) else f"{_OWN}, at the rate that it was asked for"
    return None if value is None else (system, value, result.verdict.words, whose)


def _value(result: PublishedResult) -> str:
    return fmt.number(result.rate if result.rate is not None else result.latency_ms)


def _quantity(known: tuple[PublishedResult, ...]) -> str:
    return "Output tokens/s an accelerator" if known[0].rate is not None else "Latency, 90th percentile (ms)"
