"""The endpoints, each with a window of requests in flight, and which of them takes the next sample.

Everything here costs O(log n) in the number of endpoints: orders are heaps, and sums are kept, not computed.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cache
from math import floor, inf, log2

RETRY_DELAY_NS = 200_000_000
_LONGEST_DELAY_NS = 5_000_000_000
_LATENCY_WEIGHT = 0.1
ONE = 1 << 40  # drain rates are kept as integers in these units, since sums of floats drift
_CLASSES_AN_OCTAVE = 8


@dataclass(slots=True)
class Lane:
    """One endpoint's state. Work is in weighted tokens; `prior_rate` is relative, from the warm-up."""

    index: int
    window: int
    prior_rate: float = 1.0
    latency_s: float | None = None  # moving average over answered samples
    in_flight: int = 0
    outstanding_work: float = 0.0
    consecutive_failures: int = 0
    out: bool = False
    failed_probes: int = 0
    allowed: float = field(init=False)  # requests in flight that it stands: its window, or fewer, learnt from waits
    paused_until_ns: int = 0  # it asked not to be sent anything before; 0: it didn't
    pauses: int = 0  # in a row

    def __post_init__(self) -> None:
        self.allowed = float(self.window)

    @property
    def has_room(self) -> bool:
        return not self.out and not self.paused_until_ns and self.in_flight + 1 <= self.allowed

    def answered(self, latency_s: float) -> None:
        before = latency_s if self.latency_s is None else self.latency_s
        self.latency_s = before + _LATENCY_WEIGHT * (latency_s - before)
        self.consecutive_failures = self.pauses = 0
        if self.allowed < self.window:
            self.allowed = min(self.window, self.allowed + 1 / self.allowed)

    def told_to_wait(self, asked_ns: int, now_ns: int) -> int:
        """Sends it nothing for as long as it asks, or for longer each time where it doesn't say; until when."""
        if not self.paused_until_ns:  # those in flight are told the same
            self.allowed = max(1.0, self.allowed / 2)
            self.pauses += 1
        again = max(0, self.pauses - 1)  # an answer meanwhile ended the row, though not the wait
        delay_ns = asked_ns or min(_LONGEST_DELAY_NS, RETRY_DELAY_NS << min(again, 10))
        self.paused_until_ns = max(self.paused_until_ns, now_ns + delay_ns)
        return self.paused_until_ns


class Ranking:
    """Some of the lanes in an order that changes: a heap whose outdated entries are dropped when they are met."""

    def __init__(self, lanes: int) -> None:
        self._heap: list[tuple[float, int, int]] = []
        self._current: list[tuple[float, int, int] | None] = [None] * lanes

    def put(self, index: int, key: float, then: int = 0) -> None:
        """Lane `index` is in it, by `key`, then by `then`, then by its own number."""
        heap, current = self._heap, self._current
        entry = (key, then, index)
        if heap and heap[0] is current[index]:  # the one that was taken, mostly: one step instead of two
            heapq.heapreplace(heap, entry)
        else:
            heapq.heappush(heap, entry)
        current[index] = entry
        if len(heap) > 64 + 2 * len(current):
            self._heap = [one for one in current if one is not None]
            heapq.heapify(self._heap)

    def drop(self, index: int) -> None:
        self._current[index] = None

    def first(self, apart_from: Collection[int] = ()) -> tuple[float, int, int] | None:
        """The first lane's (key, then, index); None where there is none."""
        heap, current, aside = self._heap, self._current, []
        while heap and (heap[0] is not current[heap[0][2]] or heap[0][2] in apart_from):
            entry = heapq.heappop(heap)
            if entry is current[entry[2]]:
                aside.append(entry)
        found = heap[0] if heap else None
        for entry in aside:
            heapq.heappush(heap, entry)
        return found


def speed_class(latency_s: float) -> int:
    """Latencies of one class, at most a twelfth apart, count as the same: averages differ by as much by chance."""
    return floor(log2(latency_s) * _CLASSES_AN_OCTAVE)


@cache
def class_latency_s(number: int) -> float:
    """The shortest latency of a class."""
    return float(2 ** (number / _CLASSES_AN_OCTAVE))


def class_drain(window: int, number: int) -> int:
    """Samples that a lane of this class answers, by Little's law window / latency; a second, times `ONE`."""
    return int(window / class_latency_s(number) * ONE)


class _Speeds:
    """Lanes by the class of their latency, with the places of each class and what they drain."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self._lanes = lanes
        self._class_of: list[int | None] = [None] * len(lanes)
        self._drain_of = [0] * len(lanes)
        self._classes: dict[int, list[int]] = {}  # of each: the windows of its lanes, and what they drain
        self._present: list[int] = []  # some dozens, however many lanes there are
        # Where `slowest` looked last: classes below it are sooner, and have so many places and drain so much. It is
        # seldom far from there.
        self._limit = inf
        self._faster_places = 0
        self._faster_drain = 0

    def put(self, index: int, number: int | None) -> None:
        """Lane `index` is of this class; None: of none."""
        before, window = self._class_of[index], self._lanes[index].window
        if before == number:
            return
        self._class_of[index] = number
        if before is not None:
            self._add(before, -window, -self._drain_of[index])
        if number is not None:
            drain = self._drain_of[index] = class_drain(window, number)
            self._add(number, window, drain)

    def _add(self, number: int, places: int, drain: int) -> None:
        held = self._classes.get(number)
        if held is None:
            held = self._classes[number] = [0, 0]
            insort(self._present, number)
        held[0] += places
        held[1] += drain
        if number < self._limit:
            self._faster_places += places
            self._faster_drain += drain
        if not held[0]:
            del self._classes[number]
            self._present.remove(number)

    def slowest(self, queued: int) -> float:
        """The slowest class whose lanes are sooner than those of faster classes are, where so many samples wait."""
        present, places, drain = self._present, self._faster_places, self._faster_drain
        if not present:
            return inf
        place = bisect_left(present, self._limit)
        while place < len(present) and _is_sooner(number := present[place], queued + places, drain):
            own_places, own_drain = self._classes[number]
            places, drain, place = places + own_places, drain + own_drain, place + 1
        while True:
            own_places, own_drain = self._classes[number := present[place - 1]]
            if _is_sooner(number, queued + places - own_places, drain - own_drain):
                break
            places, drain, place = places - own_places, drain - own_drain, place - 1
        self._limit = present[place] if place < len(present) else inf
        self._faster_places, self._faster_drain = places, drain
        return number if place < len(present) else inf


def _is_sooner(number: int, before: int, faster_drain: int) -> bool:
    """Whether a lane of this class answers sooner than faster lanes that answer `before` samples until then."""
    return not faster_drain or class_latency_s(number) <= before / (faster_drain / ONE)


class Tail:
    """Offline's last samples: whether a lane answers one sooner than faster lanes would.

    Those have answered it once they have answered what is queued and as many as they have places for, without this
    lane's help. Were that what all lanes answer, or were each of them as quick as the fastest, a thousand would leave
    what is queued to the few that happen to look fastest. All latencies are measured, or all are the inverse of the
    warm-up's rates: the two don't mix.
    """

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self._unmeasured = {lane.index for lane in lanes}
        self._speeds = (_Speeds(lanes), _Speeds(lanes))  # by the warm-up's rates, and measured
        self._told = [speed_class(1.0 / lane.prior_rate) for lane in lanes]
        for lane in lanes:
            self.changed(lane)

    @property
    def measured(self) -> bool:
        return not self._unmeasured

    def speed_class(self, lane: Lane) -> int:
        return speed_class(lane.latency_s) if self.measured and lane.latency_s else self._told[lane.index]

    def changed(self, lane: Lane) -> bool:
        """The lane has another latency, or is out or back; whether that changes every lane's latency."""
        before, told = self.measured, self._told[lane.index]
        if lane.out or lane.latency_s is not None:
            self._unmeasured.discard(lane.index)
        else:
            self._unmeasured.add(lane.index)
        own = speed_class(lane.latency_s) if lane.latency_s else told
        for speeds, number in zip(self._speeds, (told, own), strict=True):
            speeds.put(lane.index, None if lane.out else number)
        return self.measured is not before

    def answered(self, lane: Lane) -> bool:
        """The lane has another measured latency; whether that changes every lane's latency."""
        if lane.index in self._unmeasured or not lane.latency_s or lane.out:
            return self.changed(lane)
        self._speeds[1].put(lane.index, speed_class(lane.latency_s))
        return False

    def slowest(self, queued: int) -> float:
        """The slowest class of lanes that take a sample, where so many wait."""
        return self._speeds[self.measured].slowest(queued)


class Board:
    """All lanes by who takes the next sample. Whoever changes a lane tells it, by `loaded` or `changed`."""

    def __init__(self, windows: Sequence[int], prior_rates: Sequence[float], *, offline: bool) -> None:
        self.lanes = [Lane(i, window, rate) for i, (window, rate) in enumerate(zip(windows, prior_rates, strict=True))]
        self._ready, self._slow, self._slow_by_class, self._paused = (Ranking(len(self.lanes)) for _ in range(4))
        self._out: set[int] = set()
        self._gone: set[int] = set()
        self._tail = Tail(self.lanes) if offline else None
        self._aside: set[int] = set()  # lanes with room that are too slow now
        self._all_loaded()

    @property
    def out(self) -> list[int]:
        """Endpoints that are taken out."""
        return sorted(self._out)

    @property
    def all_gone(self) -> bool:
        """True when every endpoint is out and has failed a probe since."""
        return len(self._gone) == len(self.lanes)

    def loaded(self, lane: Lane) -> None:
        """The lane has another load, or other room."""
        if lane.has_room:
            self._ready.put(lane.index, lane.outstanding_work / lane.prior_rate, lane.in_flight)
        else:
            self._ready.drop(lane.index)
        if lane.index in self._aside:
            self._aside.discard(lane.index)
            self._slow.drop(lane.index)
            self._slow_by_class.drop(lane.index)

    def answered(self, lane: Lane) -> None:
        """The lane has another load and measured latency."""
        self.loaded(lane)
        if self._tail is not None and self._tail.answered(lane):
            self._all_loaded()

    def _all_loaded(self) -> None:
        for lane in self.lanes:
            self.loaded(lane)

    def changed(self, lane: Lane) -> None:
        """Anything of the lane has changed."""
        for members, is_one in ((self._out, lane.out), (self._gone, lane.out and lane.failed_probes > 0)):
            (members.add if is_one else members.discard)(lane.index)
        if lane.paused_until_ns:
            self._paused.put(lane.index, lane.paused_until_ns)
        self.loaded(lane)
        if self._tail is not None and self._tail.changed(lane):
            self._all_loaded()

    def resume(self, now_ns: int) -> None:
        """Endpoints have been left alone for as long as they asked."""
        while (entry := self._paused.first()) and entry[0] <= now_ns:
            lane = self.lanes[entry[2]]
            self._paused.drop(lane.index)
            lane.paused_until_ns = 0
            self.loaded(lane)

    def next_resume_ns(self) -> int | None:
        entry = self._paused.first()
        return int(entry[0]) if entry else None

    def choose(self, queued: int, tried: Collection[int], *, again: bool) -> Lane | None:
        """The lane with the least outstanding work, relative to its rate, of those with room.

        Rather one that hasn't `tried` the sample. In Offline a sample that isn't sent `again` is left in the queue, of
        `queued`, where that is sooner.
        """
        if self._tail is not None and not again:
            return self._sooner(self._tail, queued)
        entry = self._first(tried) or (self._first(()) if tried else None)
        return self.lanes[entry[2]] if entry else None

    def _first(self, apart_from: Collection[int]) -> tuple[float, int, int] | None:
        ready = self._ready.first(apart_from)
        slow = self._slow.first(apart_from) if self._aside else None
        return min(ready, slow) if ready and slow else ready or slow

    def _sooner(self, tail: Tail, queued: int) -> Lane | None:
        entry = self._ready.first()
        if entry is None and not self._aside:  # nobody has room
            return None
        slowest = tail.slowest(queued)
        while self._aside and (slow := self._slow_by_class.first()) and slow[0] <= slowest:
            self.loaded(self.lanes[slow[2]])
            entry = self._ready.first()
        while entry:
            lane = self.lanes[entry[2]]
            if slowest == inf or (number := tail.speed_class(lane)) <= slowest:
                return lane
            self._ready.drop(lane.index)
            self._aside.add(lane.index)
            self._slow.put(lane.index, entry[0], entry[1])
            self._slow_by_class.put(lane.index, number)
            entry = self._ready.first()
        return None
