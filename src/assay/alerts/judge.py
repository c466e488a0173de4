"""From readings to alerts: what has been bad for long enough is raised, what has been good for as long is cleared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from assay.alerts.options import Rule
from assay.alerts.readings import About, Reading
from assay.runs.alerts import AlertEvent

_LEAST_READINGS = 2
"""One alone may be a slip of whoever measured."""
_GAP_NS = 600_000_000_000
"""What was so before so long a silence says nothing of now."""


@dataclass
class _Case:
    """One rule about one thing."""

    raised: bool = False
    turning_since_ns: int | None = None
    """Since when it has been the opposite of what it is taken for."""
    turning: int = 0
    """Readings that said so, without one between them that didn't."""
    seen_ns: int = 0


class Judge:
    """Takes readings in, the oldest first; has no clock."""

    def __init__(self, rules: Mapping[str, Rule], clock_offset_ns: int) -> None:
        self._rules = rules
        self._offset_ns = clock_offset_ns
        self._cases: dict[tuple[str, About], _Case] = {}

    def take(self, readings: Iterable[Reading]) -> list[AlertEvent]:
        """What is raised or cleared by them."""
        return [event for reading in readings if (event := self._one(reading)) is not None]

    def _one(self, reading: Reading) -> AlertEvent | None:
        case = self._cases.setdefault((reading.rule, reading.about), _Case())
        if reading.time_ns <= case.seen_ns:
            return None  # nothing new was seen
        if reading.time_ns - case.seen_ns > _GAP_NS:
            case.turning, case.turning_since_ns = 0, None
        case.seen_ns = reading.time_ns
        if not (reading.good if case.raised else reading.bad):
            case.turning, case.turning_since_ns = 0, None
            return None
        case.turning += 1
        if case.turning_since_ns is None:
            case.turning_since_ns = reading.time_ns if reading.since_ns is None else reading.since_ns
        rule = self._rules[reading.rule]
        lasted_ns = reading.time_ns - case.turning_since_ns
        if case.turning < _LEAST_READINGS or lasted_ns < round(rule.for_s * 1e9):
            return None
        case.raised = not case.raised
        since_ns, case.turning, case.turning_since_ns = case.turning_since_ns, 0, None
        return self._event(reading, since_ns, raised=case.raised, stops=case.raised and rule.stop)

    def _event(self, reading: Reading, since_ns: int, *, raised: bool, stops: bool) -> AlertEvent:
        about = reading.about
        return AlertEvent(
            time_ns=reading.time_ns,
            clock_offset_ns=self._offset_ns,
            event="raised" if raised else "cleared",
            rule=reading.rule,
            node=about.node,
            endpoint=about.endpoint,
            device=about.device,
            since_ns=since_ns,
            value=reading.value,
            limit=reading.limit,
            unit=reading.unit,
            words=f"{reading.words()}.",
            stops=stops,
        )
