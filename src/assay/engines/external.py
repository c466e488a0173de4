"""Servers that already run, and that assay neither starts nor stops."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from assay.engines.base import Engine, told_version
from assay.engines.options import ExternalEndpoint, ExternalOptions
from assay.serving.api import ApiOptions
from assay.serving.client import ControlClient, ControlError
from assay.serving.connection import EndpointConnection, Reach
from assay.serving.needs import ApiTakes
from assay.serving.nodes import NodeOptions
from assay.serving.servers import RunningServer, ServerSpec


class _Server(NamedTuple):
    """What is known of a kind of server."""

    version_path: str
    read_version: Callable[[Any], object]
    takes: ApiTakes = ApiTakes()


_TEXT_ONLY = ApiTakes(min_tokens=False, return_token_ids=False)
SERVERS = {
    "vllm": _Server("/version", lambda answer: answer["version"]),
    "sglang": _Server("/get_server_info", lambda answer: answer["version"]),
    "tensorrt-llm": _Server("/version", lambda answer: answer["version"]),
    "llama.cpp": _Server("/props", lambda answer: answer["build_info"], _TEXT_ONLY),
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

    @cached_property
    def _named(self) -> Mapping[str, ExternalEndpoint]:
        """The endpoints by name. Raises UserError on a name twice."""
        return {endpoint.name: endpoint for endpoint in self._options.named()}

    def endpoints(self) -> list[RunningServer]:
        options = self._options
        return [
            RunningServer(
                name=endpoint.name,
                node=endpoint.node,
                url=endpoint.url,
                accelerators=endpoint.accelerators,
                check_model=options.check_model,
                ready_timeout_s=options.ready_timeout_s,
            )
            for endpoint in self._named.values()
        ]

    def servers(self, nodes: Sequence[NodeOptions]) -> list[ServerSpec]:
        return []

    def needs(self) -> None:
        return None

    @property
    def takes(self) -> ApiTakes:
        known = SERVERS.get(self._options.server)
        return known.takes if known else _TEXT_ONLY

    @property
    def api(self) -> ApiOptions:
        return self._options.api

    def connection(self, endpoint: str, url: str, reach: Reach) -> EndpointConnection:
        return self._named[endpoint].connection(url, reach, default=self._options)

    async def version(self, client: ControlClient) -> str | None:
        known = SERVERS.get(self._options.server)
        if known is None:
            return None
        try:
            return told_version(known.read_version(await client.get_json(known.version_path)))
        except (ControlError, TypeError, KeyError):
            return None

    def settings(self, node: str) -> dict[str, Any]:
        return {"server": self._options.server}
