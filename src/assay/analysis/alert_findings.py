"""Findings from what was raised while a run lasted; what another finding tells already becomes evidence of that one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from assay.analysis.finding import UNKNOWN, Citation, Finding
from assay.runs.alerts import AlertEvent, Key

_FILE = "alerts.jsonl"
_LOOK_THERE = "what that node did at this time: its temperature, clocks, other processes"
_LOG = "the server's log at this time"
# By rule: what was the case of a subject, and what to try.
_SAID = {
    "slower_than_before": ("{} became slower than it had been.", _LOOK_THERE),
    "slower_than_peers": ("{} was slower than its peers.", _LOOK_THERE),
    "errors": ("Attempts at {} failed.", _LOG),
    "stall": ("{} stopped answering.", _LOG),
    "endpoint_out": ("{} was out of service.", _LOG),
    "throttling": ("{} was throttled.", "cooling, power supply and power limit of this node"),
    "temperature": ("{} was hot.", "cooling of this node"),
    "gpu_memory": ("The memory of {} was nearly full.", "less KV cache (gpu_memory_utilization), or fewer sequences"),
    "memory": ("The memory of {} was nearly full.", "what else runs there; more memory"),
    "kv_cache": ("The KV cache of {} was full.", "more KV cache, or fewer sequences at once (max_num_seqs)"),
    "preemptions": ("{} preempted requests.", "fewer sequences at once (max_num_seqs), or more KV cache"),
    "clock_offset": ("The clock of {} was off.", "time synchronisation (chrony) on this node"),
    "disk": ("The disk that results are written to was nearly full.", "another folder (output), or more room"),
    "client_bound": (
        "The load generator was at its limit.",
        "more cores for the load generator, or a machine of its own",
    ),
    "deadline": ("The run was expected to end after its deadline.", UNKNOWN),
}
# By rule: the finding of the analysis that tells the same cause, and what that one is about.
_TOLD_BY = {
    "slower_than_before": ("slow-node", "node"),
    "slower_than_peers": ("slow-node", "node"),
    "errors": ("failed-attempts", "endpoint"),
    "stall": ("failed-attempts", "endpoint"),
    "endpoint_out": ("failed-attempts", "endpoint"),
    "throttling": ("throttling", "subject"),
    "preemptions": ("preemptions", "node"),
    "kv_cache": ("kv-cache-full", "node"),
    "client_bound": ("client-bound", ""),
}


@dataclass
class _Stood:
    """One time that an alert stood."""

    raised: AlertEvent
    cleared: AlertEvent | None = None

    @property
    def seconds(self) -> float | None:
        """None: to the run's end."""
        return None if self.cleared is None else (self.cleared.since_ns - self.raised.since_ns) / 1e9


def with_alerts(findings: Sequence[Finding], run: str, events: Sequence[AlertEvent]) -> list[Finding]:
    """The findings, and what alerts tell beside them."""
    found = list(findings)
    for times in _times(events).values():
        alert = times[0].raised
        citation = Citation(run=run, file=_FILE, figure=_figure(times))
        place = next((number for number, finding in enumerate(found) if _tells(finding, alert)), None)
        if place is None:
            found.append(_finding(alert, citation))
        else:
            known = found[place]
            found[place] = known.model_copy(update={"evidence": [*known.evidence, citation]})
    return found


def alert_lines(events: Sequence[AlertEvent]) -> list[str]:
    """One line for each alert: when it was first raised, how long it stood, and what was the case."""
    return [f"{times[0].raised.rule}: {_figure(times)}" for times in _times(events).values()]


def _times(events: Sequence[AlertEvent]) -> dict[Key, list[_Stood]]:
    """Each alert's times, in the order in which each was first raised."""
    times: dict[Key, list[_Stood]] = {}
    for event in events:
        if event.event == "raised":
            times.setdefault(event.key, []).append(_Stood(event))
        elif event.key in times:
            times[event.key][-1].cleared = event
    return times


def _tells(finding: Finding, alert: AlertEvent) -> bool:
    rule, about = _TOLD_BY.get(alert.rule, ("", ""))
    return finding.rule == rule and finding.subject == (getattr(alert, about) if about else "")


def _figure(times: Sequence[_Stood]) -> str:
    first = times[0]
    began = datetime.fromtimestamp((first.raised.since_ns + first.raised.clock_offset_ns) / 1e9, UTC)
    lasted = "to the run's end" if first.seconds is None else f"for {first.seconds:.0f} s"
    more = f"; {len(times)} times in all" if len(times) > 1 else ""
    return f"from {began:%H:%M:%S} UTC {lasted}{more}: {first.raised.words.removesuffix('.')}"


def _finding(alert: AlertEvent, citation: Citation) -> Finding:
    title, suggestion = _SAID.get(alert.rule, (f"The alert {alert.rule} was raised.", UNKNOWN))
    return Finding(
        rule=f"alert-{alert.rule.replace('_', '-')}",
        severity="warning",
        title=title.format(alert.subject or "The load's process"),
        evidence=[citation],
        suggestion=suggestion,
        subject=alert.subject,
    )
