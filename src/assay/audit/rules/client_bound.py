"""Whether the client shaped the result follows from what it measured of itself."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import RunEvidence
from assay.audit.registry import Check, contradicted, run_rule, supported
from assay.runs.client_bound import client_reasons


@run_rule(
    "client-bound",
    explain="""
A run isn't called free of its client where the client's own figures in run.json pass their limits: a process above
85 % of a core; an event loop, samples or answers late, or a TTFT wrong in calibration, by more than 2 ms and 5 % of the
median TTFT; a TPOT wrong in calibration by more than 5 % of the median TPOT. The medians, and how late samples were
issued, are computed from requests.parquet; the calibration is the one in run.json.
""",
    source="run.json: client",
)
def check(run: RunEvidence) -> Iterator[Check]:
    if run.folder is None or run.folder.client_times is None or not run.finished:
        return
    stated, times = run.folder.record.client, run.folder.client_times
    reasons = client_reasons(stated, times)
    late_ns = stated.schedule_lateness_p99_ns
    if late_ns is not None and late_ns != times.lateness_p99_ns:
        yield contradicted(f"samples issued late by {late_ns} ns at p99", f"{times.lateness_p99_ns} in the records")
    elif reasons and not stated.client_bound:
        yield contradicted("the client didn't bound the run", "; ".join(reasons))
    elif reasons and not stated.reasons:
        yield contradicted("no reason is given why the client bounded the run", "; ".join(reasons))
    else:
        found = "client-bound" if stated.client_bound else "not client-bound"
        yield supported(f"the run is {found}", f"{len(reasons)} limits exceeded")
