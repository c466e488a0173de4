"""The one interface between a campaign and the place where servers run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from assay.cluster.readiness import Readiness
from assay.errors import AssayError, UserError
from assay.runs.node_facts import NodeFacts
from assay.serving.health import CheckRow
from assay.serving.nodes import NodeOptions
from assay.serving.servers import PlacedServer, ServerSpec


class LaunchError(AssayError):
    """A server could not be placed or did not become ready. The message says where, why and what to do."""


ReadyCheck = Callable[[PlacedServer], Awaitable[str | None]]
"""Gives None when the server may be loaded, else what is missing. Raises LaunchError when waiting is useless."""

Heard = Callable[[str, bytes], None]
"""Takes a node's name and one line of its probe, in the event loop's thread."""

LOOK_AT_NODE = (
    "if command -v nvidia-smi >/dev/null; then nvidia-smi "
    "--query-gpu=index,name,utilization.gpu,memory.used,memory.total,power.draw,temperature.gpu,clocks.sm "
    "--format=csv,noheader; else uptime; fi"
)
"""A line for any POSIX shell that shows a node's accelerators, or its load where it has none."""


@dataclass(frozen=True)
class LookProgram:
    """A Python program that looks around on a node and prints what it saw; it changes nothing there."""

    text: str
    arguments: tuple[str, ...] = ()
    python: str | None = None
    """The interpreter that servers will have; None: the launcher's own choice."""


@dataclass
class Look:
    """What was seen of one node."""

    node: NodeOptions
    rows: list[CheckRow] = field(default_factory=list)
    """How the node was reached, and the way that load takes to it."""
    facts: NodeFacts | None = None
    output: str | None = None
    """What the program printed."""
    problem: str = ""
    """Why the program printed nothing."""


class Launcher(ABC):
    """Starts servers, tells how they are, takes them down. Everything started carries the run label.

    Use: `prepare` once, `place`, `wait_ready`, …, `stop`. `stop` may be called at any time, any number of times.
    """

    def __init__(self, label: str) -> None:
        self.label = label
        self.specs: Sequence[ServerSpec] = ()
        self.servers: list[PlacedServer] = []

    @abstractmethod
    async def prepare(self, specs: Sequence[ServerSpec]) -> None:
        """Connect and check that `specs` can be placed; starts nothing. Raises LaunchError or UserError."""

    @abstractmethod
    async def place(self) -> list[PlacedServer]:
        """Start a server for each spec. What was started is in `servers`, even where this raises."""

    @abstractmethod
    async def exited(self, server: PlacedServer) -> str | None:
        """Why the server no longer runs, in plain words; None while it runs or waits for its turn."""

    @abstractmethod
    async def tail(self, server: PlacedServer, lines: int = 15) -> str:
        """The last lines of the server's output."""

    @abstractmethod
    async def logs(self, dest: Path) -> None:
        """Write each server's output to `dest/<name>.log`."""

    @abstractmethod
    async def stop(self) -> None:
        """Take down everything that carries the label and let go of connections. Idempotent."""

    @abstractmethod
    async def facts(self) -> list[NodeFacts]:
        """What is in each node."""

    async def check(self) -> list[CheckRow]:
        """What the scheduler or daemon says of itself and its nodes. Starts and changes nothing."""
        return []

    async def look(self, program: LookProgram) -> list[Look]:
        """Enter each node and run `program` there. Empty where nodes can't be entered before a job runs on them."""
        return []

    def export(self, specs: Sequence[ServerSpec]) -> dict[str, str]:
        """What `place` would start, as files for a site's own tools, by name. Raises UserError where there are none."""
        raise UserError(f"{type(self).__name__} knows no files that would start its servers")

    def monitor(self) -> list[str]:
        """Lines of bash that show the nodes' accelerators, or the jobs, while a benchmark runs."""
        return [LOOK_AT_NODE]

    async def release(self) -> None:
        """Let go of connections without stopping anything."""
        return

    async def waiting_for(self, server: PlacedServer) -> str | None:
        """What a scheduler says about a server that does not run yet; None where nothing is known."""
        return None

    async def collect(self, dest: Path) -> None:
        """Bring what the servers left besides their output. Most launchers have nothing more than logs."""
        await self.logs(dest)

    async def observe(self, heard: Heard) -> dict[str, str]:
        """Hand on what each node's probe prints until `stop` or `release`; by node, what is collected, or why not.

        A probe that can't be run costs telemetry and no run, so this raises nothing for it.
        """
        reason = "not collected: this launcher runs no probe on its nodes"
        return dict.fromkeys((spec.node for spec in self.specs), reason)

    def silence_ns(self, server: PlacedServer) -> int | None:
        """Since when nothing was heard of the server's node, ns; None where no link is watched."""
        return None

    async def wait_ready(self, check: ReadyCheck, poll_s: float = 0.2) -> None:
        """Return when every server passes `check`; the first failure ends the waiting for all.

        Raises LaunchError with the last lines of the log when servers end or their time is up.
        """
        await Readiness(self, check, poll_s).wait()

    async def failed(self, server: PlacedServer, what: str) -> LaunchError:
        """A server's failure: what happened to it, what it waits for, and the last lines of its log."""
        text = f"server {server.spec.name} on {server.spec.node} {what}"
        if pending := await self.waiting_for(server):
            text += f" ({pending})"
        tail = (await self.tail(server)).rstrip()
        return LaunchError(
            f"{text}\nlast lines of its log:\n{_indent(tail)}" if tail else f"{text}\nit wrote nothing to its log"
        )


def _indent(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
