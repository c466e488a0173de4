"""What every engine tells about itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from assay.serving.client import ControlClient, ControlError
from assay.serving.connection import EndpointConnection, Reach
from assay.serving.nodes import NodeOptions
from assay.serving.servers import ServerSpec


class Engine(ABC):
    """One `engine:` section, ready to be asked for servers."""

    kind: ClassVar[str]
    simulated: bool = False

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

    @abstractmethod
    def settings(self, node: str) -> dict[str, Any]:
        """The options as started on `node`, for the record."""

    def connection(self, endpoint: str, url: str, reach: Reach) -> EndpointConnection:
        """How the endpoint of that name, which listens at `url`, is reached."""
        return EndpointConnection(url=url, ca_file=reach.ca_file, connect_timeout_s=reach.connect_timeout_s)

    async def version(self, client: ControlClient) -> str | None:
        """The engine's version, or None where it doesn't tell."""
        try:
            answer = await client.get_json("/version")
        except ControlError:
            return None
        return str(answer["version"]) if isinstance(answer, dict) and "version" in answer else None


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
