"""A server in the words that engines and launchers share: what to start, and what was started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from assay.serving.nodes import NodeOptions

PYTHON = "{python}"  # the interpreter of the node that the server is placed on
HOST = "{host}"  # the address that the server listens on
PORT = "{port}"
# Of a server that is spread over several nodes: how many, which of them, and where their leader, of rank 0, is met.
NODES = "{nodes}"
RANK = "{rank}"
LEADER = "{leader}"
LEADER_PORT = "{leader_port}"


class ServerState(StrEnum):
    PLACED = "placed"
    READY = "ready"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Spread:
    """How one server is started over several nodes.

    The arguments may also hold the placeholders {nodes}, {rank}, {leader} and {leader_port}.
    """

    leader: tuple[str, ...]
    """Of the node that serves."""
    follower: tuple[str, ...]
    """Of each other node, which lends its accelerators."""
    address_env: str
    """The variable from which a node takes the address that the others know it by."""


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
    spread: Spread | None = None
    """None: it is on one node, started by `argv`."""


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


def parts(spec: ServerSpec, nodes: Sequence[NodeOptions]) -> list[ServerSpec]:
    """What of a server runs on each of its nodes, of which the first leads; of a server on one node, itself."""
    if len(nodes) <= 1:
        return [spec]
    return [
        replace(
            spec,
            name=part_name(spec.name, rank),
            node=node.name,
            argv=_argv(spec, rank),
            port=0 if rank else spec.port,
            accelerators=node.accelerators,
        )
        for rank, node in enumerate(nodes)
    ]


def part_name(server: str, rank: int) -> str:
    """The leader's part is called like the server; no name of a server holds an underscore."""
    return f"{server}_{rank}" if rank else server


def _argv(spec: ServerSpec, rank: int) -> tuple[str, ...]:
    if spec.spread is None:  # known from a record, to be stopped
        return spec.argv
    return tuple(filled(spec.spread.follower if rank else spec.spread.leader, {RANK: str(rank)}))


def fill(argv: Sequence[str], *, python: str, host: str, port: int) -> list[str]:
    """`argv` with every server's placeholders replaced."""
    return filled(argv, {PYTHON: python, HOST: host, PORT: str(port)})


def filled(argv: Sequence[str], values: Mapping[str, str]) -> list[str]:
    """`argv` with some of its placeholders replaced."""
    done = []
    for argument in argv:
        for placeholder, value in values.items():
            argument = argument.replace(placeholder, value)
        done.append(argument)
    return done
