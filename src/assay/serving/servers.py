"""A server in the words that engines and launchers share: what to start, and what was started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

PYTHON = "{python}"  # the interpreter of the node that the server is placed on
HOST = "{host}"  # the address that the server listens on
PORT = "{port}"


class ServerState(StrEnum):
    PLACED = "placed"
    READY = "ready"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True)
class ServerSpec:
    """One server to start. `argv` may hold the placeholders {python}, {host} and {port}, also inside an argument."""

    name: str
    node: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    secret_env: tuple[str, ...] = ()
    """Variables handed on from the controller's environment; only their names are ever written down."""
    port: int = 0
    """0: the launcher finds a free one."""
    accelerators: tuple[int, ...] = ()
    """Indices on the node; they become CUDA_VISIBLE_DEVICES."""
    health_path: str = "/health"
    ready_timeout_s: float = 600.0
    image: str | None = None
    gpus: int = 0
    """How many accelerators a scheduler must find, where `accelerators` doesn't name them."""


@dataclass(frozen=True)
class RunningServer:
    """A server that ran before assay came, which neither starts nor stops it."""

    name: str
    node: str
    url: str
    accelerators: tuple[str, ...] = ()
    """Their names, as the user knows them."""
    check_model: bool = True
    """Whether it can be asked which models it serves."""
    ready_timeout_s: float = 10.0


@dataclass
class PlacedServer:
    """A server that was started, and all that is needed to find and stop it again."""

    spec: ServerSpec
    url: str
    """Where load is sent: scheme, host and port, no path."""
    handle: dict[str, str] = field(default_factory=dict)
    """pid, job, container, pod…: the launcher's own words."""
    path: str = "direct"
    """The way that load takes: direct or tunnel."""
    state: ServerState = ServerState.PLACED
    started_ns: int = 0
    """When it was asked for: started, or submitted to a scheduler. CLOCK_MONOTONIC."""
    queued_ns: int | None = None
    """From there until its job ran, ns, as seen from here; None where nothing queues, or while it waits."""
    ready_ns: int | None = None
    """From there until it was ready, ns: the wait in a queue and the server's own start."""
    lost: str = ""
    """Why it ended by itself, or can't be reached."""
    silent_ns: int | None = None
    """From its node's last word to the loss being found, ns; None where no link is watched."""


def fill(argv: Sequence[str], *, python: str, host: str, port: int) -> list[str]:
    """`argv` with its placeholders replaced."""
    values = ((PYTHON, python), (HOST, host), (PORT, str(port)))
    filled = []
    for argument in argv:
        for placeholder, value in values:
            argument = argument.replace(placeholder, value)
        filled.append(argument)
    return filled
