"""LoadGen's word follows from its own figures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from assay.analysis.early_stopping import queries_needed
from assay.audit.evidence import RunEvidence
from assay.audit.registry import Check, contradicted, run_rule, supported
from assay.audit.spans import ns
from assay.runs import LoadgenDetail

_CONDITIONS = (
    "result_min_duration_met", "result_min_queries_met", "result_perf_constraints_met", "early_stopping_met",
)  # fmt: skip
_PERCENTILE = 0.99
_OLDEST = (5, 0)


@run_rule(
    "word-follows",
    explain="""
LoadGen says VALID where the run lasted long enough, had enough queries, met its constraints and early stopping, and
INVALID where one of these doesn't hold; its detail log has each of them beside the figures that decide it:

    Offline: longest latency >= min_duration; Server: last query due >= min_duration
    queries >= min_query_count
    Server: p99 of TTFT and TPOT (without token latencies: the target's percentile of latency) <= their limits
    Server, early stopping: so many queries that none slower shows the percentile, by the binomial law (459 for p99)
""",
    source="loadgen/results.cc and early_stopping.cc",
)
def check(run: RunEvidence) -> Iterator[Check]:
    detail = run.detail
    if detail is None or detail.effective_mode != "PerformanceOnly" or (detail.version or (0, 0)) < _OLDEST:
        return
    values = detail.values
    met = {name: values[name] for name in _CONDITIONS if isinstance(values.get(name), bool)}
    if detail.result is None or not met:
        return
    found = []
    if len(met) == len(_CONDITIONS) and (detail.result == "VALID") != all(met.values()):
        unmet = [name for name, held in met.items() if not held]
        found.append(
            contradicted(
                f"LoadGen's word is {detail.result}", f"not met: {', '.join(unmet)}" if unmet else "all is met"
            )
        )
    found += [
        contradicted(f"{condition} is true", sums) for condition, sums in _false(detail, values) if met.get(condition)
    ]
    yield from found
    if not found:
        yield supported(f"LoadGen's word is {detail.result}", "it follows from the figures of its log")


def _false(detail: LoadgenDetail, values: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Conditions that the log's figures say aren't met, with the figures."""
    effective, scenario = detail.effective, values.get("effective_scenario")
    queries, least = detail.query_count, effective.get("min_query_count")
    if isinstance(least, int) and queries is not None and scenario != "Offline" and queries < least:
        yield "result_min_queries_met", f"{queries} queries, {least} were to be asked"
    lasted = {"Offline": "result_max_latency_ns", "Server": "generated_query_duration"}.get(str(scenario))
    ended, shortest_ms = values.get(lasted or ""), effective.get("min_duration_ms")
    if isinstance(ended, int) and isinstance(shortest_ms, int | float) and ended < shortest_ms * 1e6:
        yield "result_min_duration_met", f"it lasted {ns(ended)}, at least {shortest_ms / 1e3:g} s were asked for"
    if scenario != "Server":
        return
    for name, key, limit in _limits(detail, values):
        reached = values.get(key)
        if isinstance(reached, int) and isinstance(limit, int) and reached > limit > 0:
            yield "result_perf_constraints_met", f"p99 of {name} is {ns(reached)}, the limit is {ns(limit)}"
    share = values.get("effective_target_latency_percentile")
    fewest = queries_needed(0, share) if isinstance(share, float) and 0 < share < 1 else 0
    if queries is not None and queries < fewest:
        yield "early_stopping_met", f"{queries} queries; {fewest} are the fewest that show it"


def _limits(detail: LoadgenDetail, values: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    requested = detail.requested
    if requested.get("use_token_latencies") is True:
        first, each = requested.get("server_ttft_latency"), requested.get("server_tpot_latency")
        yield "TTFT", "result_first_token_99.00_percentile_latency_ns", first
        yield "TPOT", "result_time_per_output_token_99.00_percentile_ns", each
    elif values.get("effective_target_latency_percentile") == _PERCENTILE:
        yield "latency", "result_99.00_percentile_latency_ns", values.get("effective_target_latency_ns")
