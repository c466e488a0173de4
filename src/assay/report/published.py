"""The part of a page that holds its figures beside published results of other people's hardware."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from assay.analysis.campaign import CampaignAnalysis
from assay.analysis.run import RunAnalysis, measures_speed
from assay.benchmarks import Benchmark
from assay.benchmarks.mlperf import PUBLISHED_SOURCE, PublishedResult, published_results
from assay.report import format as fmt
from assay.report.campaign_sections import nodes_alone, run_label
from assay.report.page import Block, Rows, Table, Text
from assay.runs.record import RunRecord
from assay.runs.result import Result

_OTHERS = "others' hardware, not measured here"
Own = Mapping[str, tuple[RunRecord, Result]]


def published_blocks(analysis: RunAnalysis) -> Iterator[Block]:
    """Results of the run's benchmark and scenario; nothing where none are known, or the run measures no hardware."""
    yield from _blocks(analysis.benchmark, {"this run": (analysis.record, analysis.result)})


def campaign_published_blocks(analysis: CampaignAnalysis) -> Iterator[Block]:
    """The same of all runs of a campaign, scenario by scenario."""
    yield from _blocks(
        analysis.benchmark,
        {
            run_label(analysis, line): (line.record, line.result)
            for line in analysis.lines
            if line.entry.key not in nodes_alone(analysis)
        },
    )


def _blocks(benchmark: Benchmark, runs: Own) -> Iterator[Block]:
    tables = [] if not benchmark.mlperf else list(_tables(benchmark, runs))
    yield from tables
    if tables:
        yield Text(
            "Published results are whole systems', divided by their accelerators; engines, precisions and versions "
            "differ. They say what this benchmark reached elsewhere, not what it should reach here."
        )


def _tables(benchmark: Benchmark, runs: Own) -> Iterator[Table]:
    for scenario in dict.fromkeys(record.scenario for record, _ in runs.values()):
        known = published_results(benchmark.name, scenario)
        measured = {
            label: (record, result)
            for label, (record, result) in runs.items()
            if record.scenario == scenario and record.mode == "performance" and not record.simulated
        }
        own = [row for label, run in measured.items() if known and (row := _own_row(label, *run, known)) is not None]
        if own:
            others: Rows = [(r.accelerator, _value(r), f"{r.round} {r.submitter}".rstrip(), _OTHERS) for r in known]
            columns = ("System", _quantity(known), "Round and submitter", "Whose")
            caption = f"{scenario} beside published results"
            yield Table(caption, columns, [*own, *others], frozenset({1}), PUBLISHED_SOURCE)


def _own_row(
    label: str, record: RunRecord, result: Result, known: tuple[PublishedResult, ...]
) -> tuple[str, ...] | None:
    names = [name for endpoint in record.endpoints for name in endpoint.accelerators]
    system = f"{len(names)} x {', '.join(dict.fromkeys(names))}" if names else "accelerators not named"
    if known[0].latency_ms is not None:
        latency = result.latency.get("latency_ns")
        value = None if latency is None else fmt.ms(latency.p90)
    else:
        rate = result.figures.get("output_tokens_per_s")
        value = None if rate is None or not names else fmt.number(rate.value / len(names))
    whose = label if measures_speed(record) else f"{label}, at the rate that it was asked for"
    return None if value is None else (system, value, result.verdict.words, whose)


def _value(result: PublishedResult) -> str:
    return fmt.number(result.rate if result.rate is not None else result.latency_ms)


def _quantity(known: tuple[PublishedResult, ...]) -> str:
    return "Output tokens/s an accelerator" if known[0].rate is not None else "Latency, 90th percentile (ms)"
