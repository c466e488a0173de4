"""The embedded engine as a server that a launcher can place."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, get_args

from assay.engines.base import Engine, server_name
from assay.engines.embedded.command import MODEL_NAME, server_command
from assay.engines.embedded.options import ComputeOptions, Precision
from assay.engines.embedded.tokenizer import bundled_tokenizer
from assay.engines.options import EmbeddedOptions
from assay.serving.client import ControlClient, ControlError
from assay.serving.needs import Needs, TokenizerFiles
from assay.serving.nodes import NodeOptions
from assay.serving.servers import HOST, PORT, PYTHON, ServerSpec


class EmbeddedEngine(Engine):
    kind = "embedded"
    on_cpu = True

    def __init__(self, options: EmbeddedOptions) -> None:
        self._options = options

    @property
    def model(self) -> str:
        return MODEL_NAME

    @property
    def window(self) -> int:
        return self._options.window

    def servers(self, nodes: Sequence[NodeOptions]) -> list[ServerSpec]:
        return [
            ServerSpec(
                name=server_name(node.name, index, node.servers or 1),
                node=node.name,
                argv=tuple(self.command()),
                env=self._options.env,
                secret_env=self._options.pass_env,
                port=self._options.port + index if self._options.port else 0,
                ready_timeout_s=self._options.ready_timeout_s,
                image=self._options.image,
            )
            for node in nodes
            for index in range(node.servers or 1)
        ]

    def command(self) -> list[str]:
        """The argument list, with placeholders for interpreter, address and port."""
        chosen = ComputeOptions(
            precision=self._options.precision,
            threads=self._options.threads,
            cache_gb=self._options.cache_gb,
            max_num_seqs=self._options.max_num_seqs,
            max_num_batched_tokens=self._options.max_num_batched_tokens,
        )
        return server_command(PYTHON, HOST, PORT, chosen)

    def needs(self) -> Needs:
        return Needs("openvino_genai")

    def tokenizer(self, say: Callable[[str], None]) -> TokenizerFiles:
        return bundled_tokenizer(say)

    def settings(self, node: str) -> dict[str, Any]:
        return self._options.model_dump(mode="json", exclude={"pass_env"})

    async def served(self, node: str, client: ControlClient) -> dict[str, Any]:
        """With the precision that the server tells: what `auto` is depends on its CPU."""
        told: object = None
        with contextlib.suppress(ControlError):
            told = await client.get_json("/version")
        precision = told.get("precision") if isinstance(told, dict) else None
        return self.settings(node) | ({"precision": precision} if precision in get_args(Precision) else {})

    def same(self, node: str, served: dict[str, Any]) -> bool:
        return super().same(node, served | ({"precision": "auto"} if self._options.precision == "auto" else {}))
