"""Servers that already run, and that assay neither starts nor stops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from assay.engines.base import Engine
from assay.engines.options import ExternalEndpoint, ExternalOptions
from assay.errors import UserError
from assay.serving.client import ControlClient, ControlError
from assay.serving.connection import EndpointConnection, Reach
from assay.serving.nodes import NodeOptions
from assay.serving.servers import ServerSpec

# Server: where it tells its version, and how to read the answer.
VERSIONS: dict[str, tuple[str, Callable[[Any], object]]] = {
    "vllm": ("/version", lambda answer: answer["version"]),
    "sglang": ("/get_server_info", lambda answer: answer["version"]),
    "tensorrt-llm": ("/version", lambda answer: answer["version"]),
    "llama.cpp": ("/props", lambda answer: answer["build_info"]),
}


class ExternalEngine(Engine):
    kind = "external"

    def __init__(self, options: ExternalOptions) -> None:
        self._options = options

    @property
    def model(self) -> str:
        return self._options.model

    @property
    def window(self) -> int | None:
        return self._options.window

    @property
    def endpoints(self) -> list[ExternalEndpoint]:
        """The endpoints with names and nodes filled in. Raises UserError on a name twice."""
        filled = []
        for endpoint in self._options.endpoints:
            parts = urlsplit(endpoint.url)
            name = endpoint.name or f"{parts.hostname}-{parts.port or parts.scheme}"
            filled.append(endpoint.model_copy(update={"name": name, "node": endpoint.node or str(parts.hostname)}))
        names = [endpoint.name for endpoint in filled]
        if len(set(names)) != len(names):
            raise UserError(f"engine.endpoints: each needs a name of its own, these are {', '.join(names)}")
        return filled

    def servers(self, nodes: Sequence[NodeOptions]) -> list[ServerSpec]:
        return []

    def connection(self, endpoint: str, url: str, reach: Reach) -> EndpointConnection:
        (options,) = (known for known in self.endpoints if known.name == endpoint)
        return options.connection(url, reach, default=self._options)

    @property
    def check_model(self) -> bool:
        """Whether the server must list the model among those it serves."""
        return self._options.check_model

    async def version(self, client: ControlClient) -> str | None:
        if self._options.server not in VERSIONS:
            return None
        path, read = VERSIONS[self._options.server]
        try:
            return str(read(await client.get_json(path)))
        except (ControlError, TypeError, KeyError):
            return None

    def settings(self, node: str) -> dict[str, Any]:
        return {"server": self._options.server}

    @property
    def ready_timeout_s(self) -> float:
        return self._options.ready_timeout_s
