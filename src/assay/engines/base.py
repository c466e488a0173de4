"""What every engine tells about itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from assay.serving.http import get_json
from assay.serving.nodes import NodeOptions
from assay.serving.servers import ServerSpec

API_PATH = "/v1"


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

    def headers(self) -> Mapping[str, str]:
        """What every request needs besides its body. Never written down."""
        return {}

    async def version(self, url: str) -> str | None:
        """The engine's version, or None where it doesn't tell."""
        answer = await get_json(f"{url}/version", headers=self.headers())
        return str(answer["version"]) if isinstance(answer, dict) and "version" in answer else None


async def served_models(url: str, headers: Mapping[str, str]) -> list[str] | None:
    """The models that `GET /v1/models` lists; None where it doesn't answer."""
    answer = await get_json(f"{url}{API_PATH}/models", headers=headers)
    try:
        return [str(item["id"]) for item in answer["data"]]
    except (TypeError, KeyError):
        return None


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
