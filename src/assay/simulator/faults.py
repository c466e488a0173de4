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
        self._draw = random.Random(seed)
        self._seed = seed
        self._corrupt = [fault for fault in faults if fault.kind is FaultKind.CORRUPT]
        self._on_requests = [fault for fault in faults if fault.kind not in (*SERVER_FAULTS, FaultKind.CORRUPT)]
        self._slow = [fault for fault in faults if fault.kind in (FaultKind.SLOW, FaultKind.COLD_START)]
        self._on_server = [fault for fault in faults if fault.kind in (FaultKind.DIE, FaultKind.REFUSE)]
        self._begin_ns = {fault: start_ns + round(fault.at_s * 1e9) for fault in faults if not fault.after}
        self._by_count = [fault for fault in faults if fault.after]
        self._requests = 0

    def arriving(self, now_ns: int) -> list[Fault]:
        """Counts a request; the server faults (die, refuse) that its number sets off."""
        self._requests += 1
        begun = [fault for fault in self._by_count if fault.after + 1 == self._requests]
        self._begin_ns |= dict.fromkeys(begun, now_ns)
        return [fault for fault in begun if fault in self._on_server]

    def at_times(self) -> list[Fault]:
        """Faults that begin at a time rather than after a request, and not just slow the server."""
        return [fault for fault in (*self._on_server, *self._on_requests) if not fault.after]

    def for_request(self, now_ns: int) -> Fault | None:
        """The fault that hits a request which arrives now."""
        for fault in self._on_requests:
            if self._active(fault, now_ns) and self._draw.random() < fault.p:
                return fault
        return None

    def corrupts(self, place: int, now_ns: int) -> bool:
        """Whether the reply to a prompt, whose output would start at `place`, has other tokens."""
        hit = random.Random(f"{self._seed}/{place}").random()  # of a string: seeded by its hash, the same everywhere
        return any(self._active(fault, now_ns) and hit < fault.p for fault in self._corrupt)

    def hits_running(self, fault: Fault) -> bool:
        """Whether a fault that begins now hits one of the running requests."""
        return fault.kind in MIDWAY and self._draw.random() < fault.p

    def end_ns(self, fault: Fault) -> int | None:
        """When a fault that has begun ends; None if it doesn't."""
        return None if fault.for_s == float("inf") else self._begin_ns[fault] + round(fault.for_s * 1e9)

    def slowness(self, now_ns: int) -> float:
        """The factor on every interval."""
        factor = 1.0
        for fault in self._slow:
            if self._active(fault, now_ns):
                factor *= fault.factor
        return factor

    def _active(self, fault: Fault, now_ns: int) -> bool:
        begin_ns = self._begin_ns.get(fault)
        return begin_ns is not None and 0 <= now_ns - begin_ns < fault.for_s * 1e9
