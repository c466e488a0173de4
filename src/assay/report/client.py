"""The part of a run's page that says whether the load generator could have shaped the result."""

from __future__ import annotations

from collections.abc import Iterator

from assay.analysis.run import RunAnalysis
from assay.report import format as fmt
from assay.report.many import ends
from assay.report.page import Block, Rows, Table, Text
from assay.runs.record import ClientAudit


def client_blocks(analysis: RunAnalysis) -> Iterator[Block]:
    """The verdict on the load generator, its own errors, and how busy its processes were."""
    client = analysis.record.client
    yield Text(_verdict(client))
    for words in (_calibration(client), _lateness(client)):
        if words:
            yield Text(words)
    if client.cpu_share:
        rows: Rows = [
            (
                name, f"{share:.2f}", _size(client.peak_rss_bytes.get(name)),
                _ms(client.loop_lag_p99_ns.get(name)), _ms(client.loop_lag_max_ns.get(name)),
            )
            for name, share in client.cpu_share.items()
        ]  # fmt: skip
        heads = ("Process", "CPU seconds a second", "Most memory", "Event loop late, p99 (ms)", "At most (ms)")
        table = Table("How busy the load generator was", heads, rows, frozenset({1, 2, 3, 4}), "run.json")
        yield from ends(table, {"CPU seconds a second": list(client.cpu_share.values())}, "run.json")


def _verdict(client: ClientAudit) -> str:
    if client.client_bound:
        return f"The load generator could have shaped the result: {'; '.join(client.reasons)}."
    if client.cpu_share:
        return "Nothing that was measured of the load generator says that it shaped the result."
    return "How busy the load generator was wasn't recorded, so nothing says that it didn't shape the result."


def _calibration(client: ClientAudit) -> str:
    """How late it saw tokens of a server whose truth is known, before the run."""
    known = client.calibration or {}
    parts = [
        f"{words} {fmt.ms(known[key])} ms"
        for key, words in (
            ("ttft_error_p50_ns", "TTFT too long by a median of"),
            ("ttft_error_p99_ns", "and a 99th percentile of"),
            ("tpot_error_mean_ns", "TPOT by a mean of"),
        )
        if key in known
    ]
    if not parts:
        return ""
    count = f" ({fmt.number(known['requests'])} requests)" if "requests" in known else ""
    return f"Against a simulated server whose times are known{count}, before the runs: {', '.join(parts)}."


def _lateness(client: ClientAudit) -> str:
    said = []
    if client.schedule_lateness_p99_ns is not None:
        said.append(f"Samples were issued late by at most {fmt.ms(client.schedule_lateness_p99_ns)} ms in 99 %.")
    if client.completion_hop_p99_ns is not None:
        said.append(
            f"What workers saw reached the load's process within {fmt.ms(client.completion_hop_p99_ns)} ms in 99 %."
        )
    return " ".join(said)


def _size(value: float | None) -> str:
    return "not recorded" if value is None else fmt.size(value)


def _ms(value_ns: float | None) -> str:
    return "not recorded" if value_ns is None else fmt.ms(value_ns)
