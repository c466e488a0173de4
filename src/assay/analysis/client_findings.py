"""The finding that the load generator could have shaped the result, and whether other programs had its CPU."""

from __future__ import annotations

from assay.analysis.finding import UNKNOWN, Citation, Finding
from assay.analysis.hardware import Telemetry
from assay.digits import percent_text
from assay.runs.client_bound import CPU_LIMIT
from assay.runs.metric_names import CONTROLLER
from assay.runs.record import ClientAudit, RunRecord

_FULL = 0.9
"""Of all cores, in the mean over the run."""


def client_findings(run: str, record: RunRecord, telemetry: Telemetry | None, cores: int | None) -> list[Finding]:
    """`cores` are those of the machine that sent the load; None where that isn't known."""
    client = record.client
    if not client.client_bound:
        return []
    evidence = [Citation(run=run, file="run.json", figure="; ".join(client.reasons))]
    suggestion = "give the load generator more cores or a machine of its own"
    if others := _others(client, telemetry, cores):
        evidence.append(Citation(run=run, file="telemetry.parquet", figure=others))
        suggestion = "end the other programs on its machine, or give the load generator one of its own"
    return [
        Finding(
            rule="client-bound",
            severity="warning",
            title="The load generator could have shaped the result.",
            evidence=evidence,
            suggestion=suggestion,
            expect=f"{UNKNOWN}: how much of it is the load generator's own isn't measured",
        )
    ]


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
