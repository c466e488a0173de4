"""The part of a page that says whether the load generator could have shaped the result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assay.analysis.campaign import CampaignAnalysis, RunLine
from assay.analysis.listing import names
from assay.analysis.rate_search import tightest_limit_ns
from assay.analysis.run import RunAnalysis
from assay.report import format as fmt
from assay.report.campaign_sections import run_label, with_nodes_alone
from assay.report.client_shaped import shaped_runs
from assay.report.many import ends
from assay.report.page import Block, Rows, Table, Text
from assay.runs.client_bound import client_times, delay_limit_ns
from assay.runs.folder import RunFolder
from assay.runs.record import ClientAudit
from assay.runs.result import Result

_OWN, _SEARCHED = "this server's TTFT", "the tightest of the search's limits"
"""What samples that are issued late are too late for."""


def client_blocks(analysis: RunAnalysis) -> Iterator[Block]:
    """The verdict on the load generator, its own errors, and how busy its processes were."""
    client = analysis.record.client
    yield Text(_verdict(client))
    limit_ns = _limit_ns(analysis.result, analysis.folder)
    for words in (_arrivals([(analysis.record.scenario, client, limit_ns)], _OWN), _calibration(client), _hop(client)):
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


def campaign_client_blocks(analysis: CampaignAnalysis) -> Iterator[Block]:
    """The verdict on the load generator, once for all runs, and how near to its limits each run brought it."""
    clients = [line.record.client for line in analysis.lines]
    shaped, of = shaped_runs(analysis)
    bound = [run_label(analysis, line) for line in shaped]
    unknown = [client for client in clients if not client.client_bound and not client.cpu_share]
    limits_ns = [_held_against_ns(analysis, line) for line in analysis.lines]
    if bound:
        yield Text(
            f"In {len(bound)} of {fmt.count(of, 'run')} the load generator could have shaped the result: "
            f"{names(bound, '; ')}. What it was is in the findings."
        )
    elif unknown:
        yield Text(
            f"In {len(unknown)} of {fmt.count(len(clients), 'run')} it wasn't recorded how busy the load generator "
            "was, so nothing says that it didn't shape the result."
        )
    else:
        yield Text("Nothing that was measured of the load generator says that it shaped the result of any run.")
    labels = [run_label(analysis, line) for line in analysis.lines]
    whose = _OWN if analysis.rate is None else _SEARCHED
    if words := _arrivals(list(zip(labels, clients, limits_ns, strict=True)), whose):
        yield Text(words)
    if len(unknown) == len(clients):
        return
    shares = [max(client.cpu_share.values(), default=None) for client in clients]
    rows: Rows = [
        (
            label,
            "yes" if line in shaped else "no" if client.cpu_share else "unknown",
            "not recorded" if share is None else f"{share:.2f}",
            _ms(max(client.loop_lag_p99_ns.values(), default=None)),
            _ms(client.schedule_lateness_p99_ns),
            _ms(limit_ns),
        )
        for line, label, client, share, limit_ns in zip(analysis.lines, labels, clients, shares, limits_ns, strict=True)
    ]
    heads = (
        "Run", "Could have shaped the result", "CPU seconds a second of its busiest process",
        "Event loop late, p99 (ms)", "Samples issued late, p99 (ms)", "Limit of either (ms)",
    )  # fmt: skip
    table = Table("How busy the load generator was", heads, rows, frozenset({2, 3, 4, 5}), "runs/*/run.json")
    yield from with_nodes_alone(
        analysis, table, [line.entry.key for line in analysis.lines], {"CPU seconds a second": shares}
    )


def _limit_ns(result: Result, folder: RunFolder) -> float | None:
    """What lateness was held against, which is another in each run: it grows with the median TTFT. Of a run without a
    result that is in its requests alone."""
    ttft = result.latency.get("service_ttft_ns") or result.latency.get("ttft_ns")
    if ttft is not None:
        return delay_limit_ns(ttft.p50)
    median_ns = client_times(folder).ttft_p50_ns if folder.requests.exists() else None
    return None if median_ns is None else delay_limit_ns(median_ns)


def _held_against_ns(analysis: CampaignAnalysis, line: RunLine) -> float | None:
    """The same in a campaign: a search holds what it runs against the tightest of its limits."""
    if analysis.rate is not None and line.record.limits:
        return delay_limit_ns(tightest_limit_ns(line.record.limits))
    return _limit_ns(line.result, line.folder)


def _arrivals(runs: Sequence[tuple[str, ClientAudit, float | None]], whose: str) -> str:
    """Whether the samples of runs with a schedule were issued when they were due; empty where none has one.

    Each run has what its lateness is held against, and `whose` says where that comes from.
    """
    late = [
        (label, p99_ns, limit_ns)
        for label, client, limit_ns in runs
        if (p99_ns := client.schedule_lateness_p99_ns) is not None and limit_ns is not None
    ]
    if not late:
        return ""
    behind = [run for run in late if run[1] > run[2]]
    furthest, late_ns, too_late_ns = max(behind or late, key=lambda run: run[1] / run[2])
    of_several = len(late) > 1
    which = f" in {len(behind)} of {len(late)} runs" if behind else f" in all {len(late)} runs"
    where = f", furthest behind in {furthest}" if of_several else ""
    kept = "Arrivals didn't keep time" if behind else "Arrivals kept time"
    return (
        f"{kept}{which if of_several else ''}: 99 % of the samples were issued within {fmt.ms(late_ns)} ms of when "
        f"they were due{where}. More than {fmt.ms(too_late_ns)} ms is too late for {whose}."
    )


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


def _hop(client: ClientAudit) -> str:
    hop_ns = client.completion_hop_p99_ns
    return "" if hop_ns is None else f"What workers saw reached the load's process within {fmt.ms(hop_ns)} ms in 99 %."


def _size(value: float | None) -> str:
    return "not recorded" if value is None else fmt.size(value)


def _ms(value_ns: float | None) -> str:
    return "not recorded" if value_ns is None else fmt.ms(value_ns)
