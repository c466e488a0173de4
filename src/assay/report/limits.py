"""What latencies are held against: the user's limits, or the scenario's of the 99th percentile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from assay.analysis.run import RunAnalysis
from assay.benchmarks import Benchmark
from assay.benchmarks.mlperf import RULES
from assay.report import format as fmt
from assay.report.page import Block, Rows, Table, Text
from assay.runs.record import RunRecord
from assay.runs.result import Distribution, Result

WITHIN, ABOVE = "within", "above"
UNSHOWN = "not shown to be within: too few samples"
ASKED_FOR = "asked for by `slo`"
LATENCIES = {"ttft_ns": "TTFT", "tpot_ns": "TPOT", "latency_ns": "latency"}


def limit_blocks(analysis: RunAnalysis) -> Iterator[Block]:
    """A run's 99th percentiles beside their limits; nothing where the scenario sets none."""
    scenario = analysis.record.scenario
    rows: Rows = []
    for name, limit_ns in scenario_limits(analysis.benchmark, scenario).items():
        value = analysis.result.latency.get(name)
        if value is not None:
            rows.append((LATENCIES[name], fmt.ms(value.p99), fmt.ms(limit_ns), held_words(value, limit_ns)))
    if rows:
        columns = ("Quantity (ms)", "p99", "Limit", "The p99 is")
        yield Table(f"Limits of {scenario}", columns, rows, frozenset({1, 2}), limits_source(analysis.benchmark))
    yield from _searched(analysis.result)


def _searched(result: Result) -> Iterator[Block]:
    """What a search holds its rate against, and why its run ended; nothing of other runs."""
    rows: Rows = [
        (
            kept.limit.title, fmt.share(kept.share, kept.low, kept.high), fmt.percent(kept.limit.share, 2),
            fmt.number(kept.over), fmt.number(kept.requests),
        )
        for kept in result.limits
    ]  # fmt: skip
    if rows:
        columns = ("Limit", "Requests over it", "Allowed", "Over it", "Counted")
        yield Table("Limits of the search", columns, rows, frozenset({1, 2, 3, 4}), "requests.parquet")
    if result.sure_words:
        yield Text(f"The run ended {result.sure_words}.")


def scenario_limits(benchmark: Benchmark, scenario: str) -> dict[str, int]:
    """Limits of the 99th percentile, ns, by latency; none where the scenario has none."""
    spec = {str(name): spec for name, spec in benchmark.scenarios.items()}.get(scenario)
    if spec is None or spec.ttft_limit_ns is None or spec.tpot_limit_ns is None:
        return {}
    return {"ttft_ns": spec.ttft_limit_ns, "tpot_ns": spec.tpot_limit_ns}


def held_limits(benchmark: Benchmark, record: RunRecord) -> dict[str, int]:
    """Limits that a load's 99th percentiles are held against, ns, by latency: the user's, else the scenario's."""
    if record.slo is not None:
        return {f"{name}_ns": limit_ns for name, limit_ns in record.slo.limits.items()}
    return scenario_limits(benchmark, record.scenario)


def held_words(value: Distribution, limit_ns: int) -> str:
    """How a 99th percentile stands to its limit; one that the samples don't bound above isn't shown to keep it."""
    if value.p99 > limit_ns:
        return ABOVE
    return WITHIN if value.intervals.get("p99", (None, None))[1] is not None else UNSHOWN


def held_by_all(results: Sequence[Result], limits: Mapping[str, int]) -> str:
    """How repeats of a load stand to all limits: above where one is anywhere, within where each is shown to be."""
    held = {held_words(result.latency[name], limit_ns) for result in results for name, limit_ns in limits.items()}
    return next(words for words in (ABOVE, UNSHOWN, WITHIN) if words in held)


def held_beside(value: Distribution, limit_ns: int | None) -> str:
    """How one run's 99th percentile stands to its limit, to be said right after it; empty where it has none."""
    if limit_ns is None:
        return ""
    words, limit = held_words(value, limit_ns), f"{fmt.ms(limit_ns)} ms"
    return f", of {limit} allowed" if words == UNSHOWN else f", {words} the limit of {limit}"


def kept_words(result: Result, limits: Mapping[str, int]) -> str:
    """In short whether a run keeps all its limits; empty where it has none, or nobody measured what they limit."""
    its = "its limits" if len(limits) > 1 else "its limit"
    return {
        WITHIN: f"within {its}",
        ABOVE: f"not within {its}",
        UNSHOWN: f"too few samples to show whether it keeps {its}",
        "": "",
    }[held_if_known([result], limits)]


def never_shown(results: Sequence[Result], limits: Mapping[str, int]) -> str:
    """That none of several runs has the samples to show that a limit is kept, and of which; empty where one has."""
    measured = {name: [own.latency[name] for own in results if name in own.latency] for name in limits}
    unshown = [
        LATENCIES[name]
        for name, values in measured.items()
        if values and {held_words(value, limits[name]) for value in values} == {UNSHOWN}
    ]
    if not unshown:
        return ""
    its = "its limits" if len(unshown) == len(limits) > 1 else f"its limit of {' and '.join(unshown)}"
    return f"too few samples in all {len(results)} runs to show whether it keeps {its}"


def held_if_known(results: Sequence[Result], limits: Mapping[str, int]) -> str:
    """`held_by_all`; empty where there are no limits, or nobody measured what they limit."""
    known = bool(limits) and all(limits.keys() <= result.latency.keys() for result in results)
    return held_by_all(results, limits) if known else ""


def limits_words(limits: Mapping[str, int], record: RunRecord) -> str:
    """The limits that the run is held against and whose they are: "TTFT p99 2,000 ms, TPOT p99 100 ms; Server's"."""
    each = ", ".join(f"{LATENCIES[name]} p99 {fmt.ms(limit_ns)} ms" for name, limit_ns in limits.items())
    whose = f"{record.scenario}'s" if record.slo is None else ASKED_FOR
    return f"{each}; {whose}"


def limits_source(benchmark: Benchmark) -> str:
    """Whose the limits are."""
    return f"{RULES}, benchmark.json" if benchmark.mlperf else "benchmark.json"
