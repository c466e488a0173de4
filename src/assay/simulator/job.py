"""One request inside the simulated server."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from assay.simulator.config import Fault
from assay.simulator.rendering import Rendering


class Client(Protocol):
    """The connection that a job's reply goes to."""

    def write(self, data: bytes) -> None:
        """Sends bytes at once."""

    def finished(self) -> None:
        """The reply is complete."""

    def reset(self) -> None:
        """Ends the connection with RST."""

    def half_close(self) -> None:
        """Ends the connection with FIN."""


@dataclass(slots=True, eq=False)
class Job:
    """A request, its place in the schedule, and its true times (`time.monotonic_ns()`)."""

    client: Client
    rendering: Rendering
    request_id: bytes
    user: str | None
    """The request's `user` field, which joins the truth with a client's records."""
    start: int
    """Where its output begins in the cycle."""
    prompt_tokens: int
    total: int
    finish: str
    stream: bool
    wants_usage: bool
    arrival_ns: int
    fault: Fault | None = None
    fault_after: int = -1
    """Tokens after which the fault comes; -1 if none comes in the middle."""
    opening: bytes = b""
    due_ns: int = 0
    """When the next chunk is due; what is late doesn't shift what follows."""
    sent: int = 0
    first_ns: int = 0
    last_ns: int = 0
    token_ns: list[int] = field(default_factory=list)
    running: bool = False
    gone: bool = False
    preempted: int = 0
    cold: int = 0
    """Its intervals that took longer because they were among the first at their batch size."""
