"""The finding that the load generator could have shaped the result, and whether other programs had its CPU."""

from __future__ import annotations

from collections.abc import Sequence

from assay.analysis.finding import UNKNOWN, Citation, Finding
from assay.analysis.hardware import Telemetry
from assay.analysis.rate_answer import RateAnswer
from assay.digits import percent_text
from assay.runs.client_bound import CPU_LIMIT
from assay.runs.metric_names import CONTROLLER
from assay.runs.record import ClientAudit, RunRecord

CLIENT_SHAPED = "The load generator could have shaped the result."
CLIENT_RULE = "client-bound"
_MORE_CORES = "give the load generator more cores or a machine of its own"
_FULL = 0.9
"""Of all cores, in the mean over the run."""


def client_findings(run: str, record: RunRecord, telemetry: Telemetry | None, cores: int | None) -> list[Finding]:
    """`cores` are those of the machine that sent the load; None where that isn't known."""
    client = record.client
    if not client.client_bound:
        return []
    evidence = [Citation(run=run, file="run.json", figure="; ".join(client.reasons))]
    suggestion = _MORE_CORES
    if others := _others(client, telemetry, cores):
        evidence.append(Citation(run=run, file="telemetry.parquet", figure=others))
        suggestion = "end the other programs on its machine, or give the load generator one of its own"
    return [_finding(evidence, suggestion)]


def search_client_findings(findings: Sequence[Finding], answer: RateAnswer) -> list[Finding]:
    """The findings of a search's runs, with its own verdict on the load generator instead of theirs: it holds delays
    against the limits, which are what it asks about, and a run by itself against its medians."""
    of_runs = {finding.evidence[0].run: finding for finding in findings if finding.rule == CLIENT_RULE}
    found = [finding for finding in findings if finding.rule != CLIENT_RULE]
    for point in answer.points:
        if point.client_reasons:
            own = of_runs.get(point.run)
            shown = Citation(run=point.run, file="run.json", figure="; ".join(point.client_reasons))
            beside, suggestion = ([], _MORE_CORES) if own is None else (own.evidence[1:], own.suggestion)
            found.append(_finding([shown, *beside], suggestion))
    return found


def _finding(evidence: list[Citation], suggestion: str) -> Finding:
    return Finding(
        rule=CLIENT_RULE,
        severity="warning",
        title=CLIENT_SHAPED,
        evidence=evidence,
        suggestion=suggestion,
        expect=f"{UNKNOWN}: how much of it is the load generator's own isn't measured",
    )


def _others(client: ClientAudit, telemetry: Telemetry | None, cores: int | None) -> str:
    """That other programs had the CPU, in words: it was full, and the load generator took less than half."""
    host = None if telemetry is None else telemetry.get(CONTROLLER, "cpu_percent")
    shares = client.cpu_share.values()
    if host is None or not cores or not shares or max(shares) > CPU_LIMIT:
        return ""
    busy, own = host.mean / 100, sum(shares) / cores
    if busy < _FULL or own > busy / 2:
        return ""
    return (
        f"other programs had the CPU: the machine's cores were {percent_text(busy, 0)} busy, "
        f"{percent_text(own, 0)} with the load generator's own processes"
    )
