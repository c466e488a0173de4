"""The router's board by the plain way of looking at every lane each time: what the kept one is held against."""

from __future__ import annotations

from collections.abc import Collection

from assay.load.lanes import ONE, Board, Lane, class_drain, class_latency_s, speed_class


class PlainBoard(Board):
    """The same choices by looking at every lane each time."""

    def loaded(self, lane: Lane) -> None:
        """Nothing is kept."""

    changed = loaded

    @property
    def out(self) -> list[int]:
        return [lane.index for lane in self.lanes if lane.out]

    @property
    def all_gone(self) -> bool:
        return all(lane.out and lane.failed_probes for lane in self.lanes)

    def resume(self, now_ns: int) -> None:
        for lane in self.lanes:
            if lane.paused_until_ns <= now_ns:
                lane.paused_until_ns = 0

    def next_resume_ns(self) -> int | None:
        return min((lane.paused_until_ns for lane in self.lanes if lane.paused_until_ns), default=None)

    def choose(self, queued: int, tried: Collection[int], *, again: bool) -> Lane | None:
        room = [lane for lane in self.lanes if lane.has_room]
        candidates = [lane for lane in room if lane.index not in tried] or room
        if self._tail is not None and not again:
            candidates = [lane for lane in candidates if self._quicker_than_waiting(lane, queued)]
        if not candidates:
            return None
        return min(candidates, key=lambda lane: (lane.outstanding_work / lane.prior_rate, lane.in_flight))

    def _quicker_than_waiting(self, lane: Lane, queued: int) -> bool:
        healthy = [other for other in self.lanes if not other.out]
        measured = all(other.latency_s is not None for other in healthy)
        classes = {
            o.index: speed_class(o.latency_s if measured and o.latency_s else 1.0 / o.prior_rate) for o in healthy
        }
        faster = [other for other in healthy if classes[other.index] < classes[lane.index]]
        if not faster:
            return True
        drain = sum(class_drain(other.window, classes[other.index]) for other in faster)
        before = queued + sum(other.window for other in faster)
        return class_latency_s(classes[lane.index]) <= before / (drain / ONE)
