"""Server and Interactive runs hold their latency limits."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import RunEvidence
from assay.audit.registry import Check, contradicted, run_rule, supported
from assay.audit.spans import ns


@run_rule(
    "latency-limits",
    explain="""
The 99th percentiles of TTFT and TPOT in Server and Interactive are within the benchmark's limits, and LoadGen was
given limits no looser (llama3.1-8b: 2000 and 100 ms, Interactive 500 and 30 ms). LoadGen knows only the limits that
it was told, and to it an Interactive run is a Server run; the checker doesn't enforce Interactive's either. Judged
where the run is called VALID for MLPerf, outside the open division.
""",
    source="MLPerf inference rules, latency constraints; mlperf.conf",
)
def check(run: RunEvidence) -> Iterator[Check]:
    limits = run.rules.limits(run.scenario) if run.rules else None
    if limits is None or not run.claims_mlperf or not run.performance or run.division == "open":
        return
    requested = run.detail.requested if run.detail else {}
    for spread, limit, key in (
        (run.ttft, limits[0], "server_ttft_latency"),
        (run.tpot, limits[1], "server_tpot_latency"),
    ):
        p99 = spread.percentiles.get(99.0)
        if p99 is not None:
            words = f"{run.scenario} p99 {spread.name} {ns(p99)}"
            sums = f"limit {ns(limit)}"
            yield contradicted(words, sums) if p99.above(limit) else supported(words, sums)
        told = requested.get(key)
        if isinstance(told, int) and told > limit:
            yield contradicted(
                f"LoadGen was told a {spread.name} limit of {ns(told)}", f"{run.scenario}'s is {ns(limit)}"
            )
