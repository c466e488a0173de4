"""What every engine tells about itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import orjson

from assay.errors import UserError
from assay.runs.record import MemoryFacts
from assay.serving.api import ApiOptions
from assay.serving.client import ControlClient, ControlError
from assay.serving.connection import EndpointConnection, Reach
from assay.serving.needs import ApiTakes, Needs, TokenizerFiles
from assay.serving.nodes import NodeOptions
from assay.serving.servers import RunningServer, ServerSpec, Spread
from assay.serving.words import shown


class Engine(ABC):
    """One `engine:` section, ready to be asked for servers."""

    kind: ClassVar[str]
    simulated: bool = False
    on_cpu: bool = False
    """Whether its servers compute on CPU cores alone."""
    log_lines: ClassVar[int] = 0
    """How many of the last lines of its log `memory` and `failure` need; 0: its log tells nothing."""

    @property
    @abstractmethod
    def model(self) -> str:
        """The name that requests ask for."""

    @property
    @abstractmethod
    def window(self) -> int | None:
        """Most requests in flight at one endpoint; None: to be found during warm-up."""

    @abstractmethod
    def servers(self, nodes: Sequence[NodeOptions]) -> list[ServerSpec]:
        """The servers to start, by node. Raises UserError where the nodes don't suit."""

    def spread(self, node: NodeOptions, count: int) -> Spread:
        """How its server is started over the `count` nodes that `node` stands for. Raises UserError if it can't be."""
        raise UserError(
            "cluster: only the vllm engine spreads one model over several nodes or pods: leave nodes_per_server "
            "(pods_per_server) at 1"
        )

    @abstractmethod
    def settings(self, node: str) -> dict[str, Any]:
        """The options as started on `node`, for the record."""

    async def served(self, node: str, client: ControlClient) -> dict[str, Any]:
        """The options that a server on `node` really serves with: `settings`, and what it chose of them itself."""
        return self.settings(node)

    def same(self, node: str, served: dict[str, Any]) -> bool:
        """Whether a server on `node` that was recorded with `served` is one that these options may start."""
        return bool(served == orjson.loads(orjson.dumps(self.settings(node), default=str)))

    def endpoints(self) -> list[RunningServer]:
        """The servers that run already, instead of `servers` to start. Raises UserError on a name twice."""
        return []

    @abstractmethod
    def needs(self) -> Needs | None:
        """What a node must have before a server can start; None where none is started."""

    def tokenizer(self, say: Callable[[str], None]) -> TokenizerFiles | None:
        """Its model's tokenizer, if that is on this machine or can be got; None if the engine can't know.

        `say` is told what takes its time. Raises UserError where what it knows of can't be had.
        """
        return None

    def memory(self, log: str) -> MemoryFacts | None:
        """What a server's log tells of its accelerators' memory once it is ready; None where it tells nothing."""
        return None

    def failure(self, log: str) -> str:
        """The error that a server's log names for not becoming ready; empty where it names none."""
        return ""

    @property
    def takes(self) -> ApiTakes:
        """What its API takes."""
        return ApiTakes()

    @property
    def api(self) -> ApiOptions | None:
        """How its API is to be spoken, as far as is said; None: there is nothing to learn about it."""
        return None

    def connection(self, endpoint: str, url: str, reach: Reach) -> EndpointConnection:
        """How the endpoint of that name, which listens at `url`, is reached."""
        return EndpointConnection(url=url, ca_file=reach.ca_file, connect_timeout_s=reach.connect_timeout_s)

    async def version(self, client: ControlClient) -> str | None:
        """The engine's version, or None where it doesn't tell."""
        try:
            answer = await client.get_json("/version")
        except ControlError:
            return None
        return told_version(answer["version"]) if isinstance(answer, dict) and "version" in answer else None


def told_version(value: object) -> str:
    """A version as a server tells it, fit for tables."""
    return shown(str(value).encode(errors="replace"))


def per_node(node: NodeOptions, group: int) -> list[tuple[int, ...]]:
    """The accelerators of each server on a node, in groups of `group`; empty tuples on a CPU."""
    if not node.accelerators:
        return [()] * (node.servers or 1)
    whole = len(node.accelerators) // group
    count = min(whole, node.servers) if node.servers else whole
    return [node.accelerators[i * group : (i + 1) * group] for i in range(count)]


def server_name(node: str, index: int, count: int) -> str:
    """`node`, or `node-0`, `node-1`, … where there are several."""
    return node if count == 1 else f"{node}-{index}"
