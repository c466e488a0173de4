"""Server and Interactive runs hold their latency limits."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import Origin, RunEvidence, Spread
from assay.audit.registry import Check, contradicted, run_rule, supported
from assay.audit.spans import ns


@run_rule(
    "latency-limits",
    explain="""
The 99th percentiles of TTFT and TPOT in Server and Interactive are within the benchmark's limits (llama3.1-8b: 2000
and 100 ms, Interactive 500 and 30 ms), of some benchmarks that of the whole latency (qwen3-vl: 12 s, Interactive
1.5 s). LoadGen knows only the limits that it was told, and to it an Interactive run is a Server run. Looser limits than
the benchmark's in LoadGen's settings contradict the result; in an MLPerf results tree the checker looks at the 99th
percentile alone, and where that is stated it decides here too. Judged where the run is called VALID for MLPerf, outside
the open division.
""",
    source="MLPerf inference rules, latency constraints; mlperf.conf",
)
def check(run: RunEvidence) -> Iterator[Check]:
    if run.rules is None or not run.claims_mlperf or not run.performance or run.division == "open":
        return
    limits = run.rules.limits(run.scenario)
    if limits is not None:
        yield from _spread(run, run.ttft, limits[0], "server_ttft_latency")
        yield from _spread(run, run.tpot, limits[1], "server_tpot_latency")
    whole = run.rules.latency_limit_ns(run.scenario)
    if whole is not None:
        yield from _spread(run, run.latency, whole, "server_target_latency")


def _spread(run: RunEvidence, spread: Spread, limit: int, key: str) -> Iterator[Check]:
    p99 = spread.certified.get(99.0) or spread.percentiles.get(99.0)
    if p99 is not None:
        words = f"{run.scenario} p99 {spread.name} {ns(p99)}"
        sums = f"limit {ns(limit)}"
        yield contradicted(words, sums) if p99.above(limit) else supported(words, sums)
        if run.origin is Origin.SUBMISSION:
            return
    told = run.detail.requested.get(key) if run.detail else None
    if isinstance(told, int) and told > limit:
        yield contradicted(f"LoadGen was told a {spread.name} limit of {ns(told)}", f"{run.scenario}'s is {ns(limit)}")
