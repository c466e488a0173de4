"""Which fault, if any, hits a request, and how slow the server is now."""

from __future__ import annotations

import random

from assay.simulator.config import Fault, FaultKind

SERVER_FAULTS = (FaultKind.DIE, FaultKind.REFUSE, FaultKind.SLOW, FaultKind.COLD_START)
"""Those that happen to the server; the others happen to requests."""
MIDWAY = (
    FaultKind.HANG,
    FaultKind.RESET,
    FaultKind.HALF_CLOSE,
    FaultKind.GARBAGE,
    FaultKind.MALFORMED_SSE,
)


class FaultPlan:
    """The faults of one server, drawn from a seed. Times are `time.monotonic_ns()`."""

    def __init__(self, faults: tuple[Fault, ...], seed: int, start_ns: int) -> None:
        self._start_ns = start_ns
        self._draw = random.Random(seed)
        self._on_requests = [fault for fault in faults if fault.kind not in SERVER_FAULTS]
        self._slow = [fault for fault in faults if fault.kind in (FaultKind.SLOW, FaultKind.COLD_START)]
        self._after = [fault for fault in faults if fault.kind in (FaultKind.DIE, FaultKind.REFUSE)]
        self.requests = 0

    def arriving(self) -> list[Fault]:
        """Counts a request; the server faults (die, refuse) that its number sets off."""
        self.requests += 1
        return [fault for fault in self._after if fault.after and fault.after + 1 == self.requests]

    def at_times(self) -> list[Fault]:
        """Faults that begin at a time rather than after a request."""
        return [fault for fault in (*self._after, *self._on_requests) if not fault.after]

    def for_request(self, now_ns: int) -> Fault | None:
        """The fault that hits a request which arrives now."""
        for fault in self._on_requests:
            if self._active(fault, now_ns) and self._draw.random() < fault.p:
                return fault
        return None

    def hits_running(self, fault: Fault) -> bool:
        """Whether a fault that begins now hits one of the running requests."""
        return fault.kind in MIDWAY and self._draw.random() < fault.p

    def end_ns(self, fault: Fault) -> int | None:
        """When the fault ends; None if it doesn't."""
        if fault.for_s == float("inf"):
            return None
        return self._start_ns + round((fault.at_s + fault.for_s) * 1e9)

    def slowness(self, now_ns: int) -> float:
        """The factor on every interval."""
        factor = 1.0
        for fault in self._slow:
            if self._active(fault, now_ns):
                factor *= fault.factor
        return factor

    def _active(self, fault: Fault, now_ns: int) -> bool:
        elapsed_s = (now_ns - self._start_ns) / 1e9
        return fault.at_s <= elapsed_s < fault.at_s + fault.for_s and self.requests > fault.after
