"""How one run went so far: its newest totals, and what happened between them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from assay.runs.progress import (
    AnyEvent,
    DoneEvent,
    EndpointProgress,
    Phase,
    PhaseEvent,
    ProgressEvent,
    WaitEvent,
    WarmupEvent,
)
from assay.watch.thinned import Thinned

_POINTS = 240
_EARLY = 300
_OUTAGES = 100
_RECENT_NS = 10_000_000_000
"""Rates and latencies of late are over so long, or over all that is known where that is less: answers that come in
bursts, as those of prompts that were sent together, are neither a sawtooth nor gaps."""


@dataclass(frozen=True)
class Point:
    """What happened of late, at one line of progress. Latencies are None where no answer came."""

    elapsed_ns: int
    samples_per_s: float
    tokens_per_s: float
    ttft_p50_ns: int | None
    tpot_p50_ns: int | None
    in_flight: int


@dataclass(frozen=True)
class Pace:
    """How fast an endpoint, or all of them, are now."""

    samples_per_s: float
    tokens_per_s: float


@dataclass(frozen=True)
class Outage:
    """An endpoint got no samples, from and until UTC, ns since 1970; None: it still gets none."""

    endpoint: str
    begun_ns: int
    ended_ns: int | None = None


@dataclass
class Course:
    """Takes a run's events in, the oldest first."""

    phase: Phase | None = None
    phase_utc_ns: int = 0
    """When that phase began, as far as it was told."""
    newest: ProgressEvent | None = None
    begun_utc_ns: int = 0
    """When the load began, ns since 1970; 0 before it."""
    clock_offset_ns: int = 0
    """UTC minus CLOCK_MONOTONIC, as the run says; 0 before it says anything."""
    wave: WarmupEvent | None = None
    done: DoneEvent | None = None
    waits: dict[str, WaitEvent] = field(default_factory=dict)
    """The last wait that each endpoint asked for."""
    points: deque[Point] = field(default_factory=lambda: deque(maxlen=_POINTS))
    """Of late."""
    outages: deque[Outage] = field(default_factory=lambda: deque(maxlen=_OUTAGES))
    """The last ones, in the order of their begin."""
    _out: dict[str, Outage] = field(default_factory=dict)
    _early: Thinned[ProgressEvent] = field(default_factory=lambda: Thinned(_EARLY))
    """Totals since the load began, without endpoints: between any two of them lies what happened."""
    _known: dict[tuple[int, int], Point] = field(default_factory=dict)
    """What happened between two of those, by their times."""
    _recent: deque[ProgressEvent] = field(default_factory=deque)
    _telling: deque[ProgressEvent] = field(default_factory=deque)
    """Those of late that tell of endpoints, two at least: of many endpoints only some do."""

    @property
    def last_utc_ns(self) -> int | None:
        """When the run last said something."""
        known = [event.utc_ns for event in (self.newest, self.wave, self.done) if event is not None]
        return max(known, default=None)

    @property
    def endpoints(self) -> dict[str, EndpointProgress]:
        """As they were told of last."""
        return self._telling[-1].endpoints if self._telling else {}

    def history(self) -> list[Point]:
        """From the load's begin on: of late each line of progress, before that some."""
        recent_ns = self.points[0].elapsed_ns if self.points else 0
        early = [event for event in self._early.items if event.elapsed_ns < recent_ns]
        pairs = {(before.elapsed_ns, event.elapsed_ns): (before, event) for before, event in _of_late(early)}
        self._known = {key: self._known.get(key) or _between(*pair) for key, pair in pairs.items()}
        return [*self._known.values(), *self.points]

    def take(self, event: AnyEvent) -> None:
        self.clock_offset_ns = event.clock_offset_ns
        if event.phase != self.phase:
            self.phase, self.phase_utc_ns = event.phase, event.utc_ns
        match event:
            case PhaseEvent():
                if event.phase == "warmup":  # it is closed again, or carried out again
                    self._anew()
            case WarmupEvent():
                self.wave = event
            case WaitEvent():
                self.waits[event.endpoint] = event
            case DoneEvent():
                self.done = event
            case ProgressEvent():
                self._progress(event)

    def _anew(self) -> None:
        """Forget the load so far."""
        self.newest, self.done = None, None
        self.points.clear()
        self.outages.clear()
        self._out.clear()
        self._early.clear()
        self._recent.clear()
        self._telling.clear()

    def _progress(self, event: ProgressEvent) -> None:
        if self.newest is not None and event.elapsed_ns < self.newest.elapsed_ns:
            self._anew()  # totals since another begin: their difference says nothing
        before = self.newest
        self.newest = event
        for late in (self._recent, self._telling) if event.endpoints else (self._recent,):
            late.append(event)
            _forget(late)
        if before is None:
            self.begun_utc_ns = event.utc_ns - event.elapsed_ns
        if before is None or event.elapsed_ns > before.elapsed_ns:
            self._early.add(event.model_copy(update={"endpoints": {}}))
        if before is not None and event.elapsed_ns > before.elapsed_ns:
            self.points.append(_between(self._recent[0], event))
        self._mark(event)

    def _mark(self, event: ProgressEvent) -> None:
        """Which endpoints went out of service and which came back; where nothing is told of them, none did."""
        for name, endpoint in event.endpoints.items():
            if endpoint.out and name not in self._out:
                self._out[name] = Outage(name, event.utc_ns)
                self.outages.append(self._out[name])
            elif not endpoint.out and name in self._out:
                self._back(self._out.pop(name), event.utc_ns)

    def _back(self, outage: Outage, utc_ns: int) -> None:
        if outage in self.outages:  # else many came after it
            self.outages[self.outages.index(outage)] = replace(outage, ended_ns=utc_ns)

    def pace(self, endpoint: str | None = None) -> Pace | None:
        """Of late; of all endpoints where none is named. None where too little is known."""
        late = self._recent if endpoint is None else self._telling
        if len(late) < 2:
            return None
        first, last = late[0], late[-1]
        seconds = (last.elapsed_ns - first.elapsed_ns) / 1e9
        if seconds <= 0:
            return None
        if endpoint is None:
            return Pace(
                (last.completed - first.completed) / seconds, (last.output_tokens - first.output_tokens) / seconds
            )
        then, now = first.endpoints.get(endpoint), last.endpoints.get(endpoint)
        if then is None or now is None:
            return None
        return Pace((now.completed - then.completed) / seconds, (now.output_tokens - then.output_tokens) / seconds)


def _forget(late: deque[ProgressEvent]) -> None:
    """Keep what is needed to say what happened of late: the first is as old as that, or the oldest known."""
    while len(late) > 2 and late[-1].elapsed_ns - late[1].elapsed_ns >= _RECENT_NS:
        late.popleft()


def _of_late(events: Iterable[ProgressEvent]) -> Iterator[tuple[ProgressEvent, ProgressEvent]]:
    """Each but the first, with the one since which that was of late."""
    late: deque[ProgressEvent] = deque()
    for event in events:
        late.append(event)
        _forget(late)
        if len(late) > 1:
            yield late[0], event


def _between(before: ProgressEvent, event: ProgressEvent) -> Point:
    seconds = (event.elapsed_ns - before.elapsed_ns) / 1e9
    return Point(
        elapsed_ns=event.elapsed_ns,
        samples_per_s=(event.completed - before.completed) / seconds,
        tokens_per_s=(event.output_tokens - before.output_tokens) / seconds,
        ttft_p50_ns=event.ttft.since(before.ttft).quantile(0.5),
        tpot_p50_ns=event.tpot.since(before.tpot).quantile(0.5),
        in_flight=event.in_flight,
    )
