"""How a load goes, as far as rules ask: the last minute of progress, and since when each endpoint is as it is."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from assay.alerts.readings import About
from assay.runs.progress import AnyEvent, EndpointProgress, Phase, ProgressEvent
from assay.runs.record import EndpointFacts

WINDOW_NS = 60_000_000_000


@dataclass
class _Since:
    """CLOCK_MONOTONIC: when an endpoint began to be as it is."""

    answered_ns: int
    """When it answered last, or when it began to owe an answer, if that is later."""
    out_ns: int | None = None
    """When it went out of service; None: it is in service."""
    exposure_ns: float = 0.0
    """Requests in flight, times how long, up to when an attempt ended last."""
    pending_ns: float = 0.0
    """The same since then."""


@dataclass(frozen=True)
class Endpoint:
    """An endpoint now."""

    about: About
    now: EndpointProgress
    unanswered_ns: int
    """How long it has answered nothing, though attempts are under way, and some may have failed; 0: none are."""
    out_ns: int
    """How long it has been out of service; 0: it is in service."""
    answer_ns: float
    """How long an answer took in the mean, by Little's law; 0: none came."""


class Course:
    """Takes a run's events in, the oldest first. Of many endpoints only some events tell."""

    def __init__(self, endpoints: list[EndpointFacts], max_tokens: int) -> None:
        """`max_tokens`: of one answer."""
        self.max_tokens = max_tokens
        self.about = {facts.name: About(facts.node, facts.name) for facts in endpoints}
        self.phase: Phase | None = None
        self.newest: ProgressEvent | None = None
        self.telling: deque[ProgressEvent] = deque()
        """Those that tell of endpoints, the newest last: two at least, else a minute's."""
        self.heard_ns: int | None = None
        self._since: dict[str, _Since] = {}

    def take(self, event: AnyEvent) -> None:
        self.phase, self.heard_ns = event.phase, event.time_ns
        if not isinstance(event, ProgressEvent):
            return
        self.newest = event
        if not event.endpoints:
            return
        before = self.telling[-1] if self.telling else event
        for name, now in event.endpoints.items():
            earlier = None if before is event else before.endpoints.get(name)
            self._note(event.time_ns, event.time_ns - before.time_ns, name, earlier, now)
        self.telling.append(event)
        while len(self.telling) > 2 and event.time_ns - self.telling[1].time_ns >= WINDOW_NS:
            self.telling.popleft()

    def _note(
        self, time_ns: int, lasted_ns: int, name: str, before: EndpointProgress | None, now: EndpointProgress
    ) -> None:
        since = self._since.setdefault(name, _Since(time_ns))
        since.pending_ns += 0 if before is None else (before.in_flight + now.in_flight) / 2 * lasted_ns
        ended = before is None or now.completed + now.failed != before.completed + before.failed
        owed = before is not None and before.in_flight > 0
        if not owed or before is None or now.completed != before.completed:
            since.answered_ns = time_ns
        if ended or not owed:
            since.exposure_ns, since.pending_ns = since.exposure_ns + since.pending_ns, 0.0
        since.out_ns = (since.out_ns or time_ns) if now.out else None

    def endpoints(self) -> list[Endpoint]:
        """As they were told of last."""
        if not self.telling:
            return []
        event = self.telling[-1]
        return [
            Endpoint(
                self.about.get(name, About(endpoint=name)),
                now,
                event.time_ns - self._since[name].answered_ns if now.in_flight else 0,
                0 if (out_ns := self._since[name].out_ns) is None else event.time_ns - out_ns,
                self._since[name].exposure_ns / now.completed if now.completed else 0.0,
            )
            for name, now in event.endpoints.items()
        ]

    def lately(self, name: str) -> tuple[int, int]:
        """Attempts of an endpoint that were answered and that failed in the last minute."""
        if len(self.telling) < 2:
            return 0, 0
        then, now = self.telling[0].endpoints.get(name), self.telling[-1].endpoints.get(name)
        if then is None or now is None:
            return 0, 0
        return now.completed - then.completed, now.failed - then.failed
