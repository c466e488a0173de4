"""vLLM's own OpenAI-compatible server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from assay.engines.base import Engine, per_node, server_name
from assay.engines.options import VllmOptions
from assay.engines.vllm_log import failure_told, memory_told
from assay.errors import UserError
from assay.runs.record import MemoryFacts
from assay.serving.needs import Needs, TokenizerFiles
from assay.serving.nodes import NodeOptions
from assay.serving.servers import (
    HOST,
    LEADER,
    LEADER_PORT,
    NODES,
    PORT,
    PYTHON,
    RANK,
    ServerSpec,
    Spread,
)

# Only `vllm serve` heeds these; the server module that is started here takes them and does nothing.
_SERVER = "vllm.entrypoints.openai.api_server"
# Of vLLM's two ways to start only this one heeds `--headless`: a follower that began an engine of its own would fail.
_FOLLOWER = ("vllm.entrypoints.cli.main", "serve")
_WITHOUT_EFFECT = ("--api-server-count", "-asc", "--headless")
_OF_NODES = ("--nnodes", "-n", "--node-rank", "-r", "--master-addr", "--master-port")

_BACKEND = "--distributed-executor-backend"


class VllmEngine(Engine):
    kind = "vllm"
    log_lines = 3000

    def __init__(self, options: VllmOptions) -> None:
        """Raises UserError for an extra argument that would have no effect."""
        for argument in options.extra_args:
            if argument.partition("=")[0] in _WITHOUT_EFFECT:
                raise UserError(
                    f"engine.extra_args: {argument} has no effect on a server that assay starts: leave it out, or "
                    "start `vllm serve` yourself and use engine.kind external"
                )
        self._options = options

    @property
    def model(self) -> str:
        return self._options.served_model_name or self._options.model

    @property
    def window(self) -> int:
        return self._options.window or self._options.max_num_seqs * self._options.data_parallel

    @property
    def group(self) -> int:
        """Accelerators that one server needs."""
        return self._options.tensor_parallel * self._options.pipeline_parallel * self._options.data_parallel

    def servers(self, nodes: Sequence[NodeOptions]) -> list[ServerSpec]:
        specs = []
        for node in nodes:
            if node.accelerators and len(node.accelerators) < self.group:
                raise UserError(
                    f"engine: one server needs {self.group} accelerators (tensor x pipeline x data parallel), but node "
                    f"{node.name} has {len(node.accelerators)}: lower the sizes or add accelerators"
                )
            groups = per_node(node, self.group)
            for index, accelerators in enumerate(groups):
                specs.append(
                    ServerSpec(
                        name=server_name(node.name, index, len(groups)),
                        node=node.name,
                        argv=tuple(self.command()),
                        env=self._options.env,
                        secret_env=self._options.pass_env,
                        port=self._options.port + index if self._options.port else 0,
                        accelerators=accelerators,
                        ready_timeout_s=self._options.ready_timeout_s,
                        image=self._options.image,
                        gpus=len(accelerators),
                    )
                )
        return specs

    def command(self) -> list[str]:
        """The argument list, with placeholders for interpreter, address and port."""
        options = self._options
        command = [options.python or PYTHON, "-m", _SERVER]
        command += ["--host", HOST, "--port", PORT, "--model", options.model, "--served-model-name", self.model]
        values = {
            "--tensor-parallel-size": options.tensor_parallel,
            "--pipeline-parallel-size": options.pipeline_parallel,
            "--data-parallel-size": options.data_parallel,
            "--dtype": options.dtype,
            "--kv-cache-dtype": options.kv_cache_dtype,
            "--load-format": options.load_format,
            "--max-num-seqs": options.max_num_seqs,
            "--gpu-memory-utilization": options.gpu_memory_utilization,
            "--quantization": options.quantization,
            "--max-num-batched-tokens": options.max_num_batched_tokens,
            "--stream-interval": options.stream_interval,
            "--max-model-len": options.max_model_len,
        }
        for flag, value in values.items():
            if value is not None:
                command += [flag, str(value)]
        command.append("--enable-prefix-caching" if options.prefix_caching else "--no-enable-prefix-caching")
        if options.chunked_prefill is not None:
            command.append("--enable-chunked-prefill" if options.chunked_prefill else "--no-enable-chunked-prefill")
        if options.enforce_eager:
            command.append("--enforce-eager")
        return [*command, *options.extra_args]

    def spread(self, node: NodeOptions, count: int) -> Spread:
        """vLLM's own launch over several nodes: https://docs.vllm.ai/en/stable/serving/parallelism_scaling/"""
        options = self._options
        if options.data_parallel > 1:
            raise UserError(
                "engine.data_parallel: a server over several nodes has one copy of its model: leave it at 1, and let "
                "further nodes hold further servers"
            )
        if self.group % count:
            raise UserError(
                f"engine: {self.group} accelerators (tensor x pipeline parallel) can't be shared evenly by the {count} "
                "nodes or pods of a server"
            )
        if node.accelerators and len(node.accelerators) != self.group:
            raise UserError(
                f"engine: one server takes {self.group} accelerators (tensor x pipeline parallel), but the {count} "
                f"nodes or pods that it is spread over have {len(node.accelerators)} together: make these equal"
            )
        if given := [argument for argument in options.extra_args if argument.partition("=")[0] in _OF_NODES]:
            raise UserError(f"engine.extra_args: {given[0]} is what assay sets for a server over several nodes")
        if _by_ray(options.extra_args):
            raise UserError(
                "engine.extra_args: vLLM takes nodes either from its own launch, which nodes_per_server "
                f"(pods_per_server) is, or from Ray: leave out {_BACKEND}, or start `vllm serve` on the Ray cluster "
                "yourself and use engine.kind external"
            )
        leader = [*self.command(), "--nnodes", NODES, "--node-rank", RANK, "--master-addr", LEADER]
        leader += ["--master-port", LEADER_PORT]
        at = leader.index(_SERVER)
        follower = [*leader[:at], *_FOLLOWER, *leader[at + 1 :], "--headless"]
        return Spread(tuple(leader), tuple(follower), "VLLM_HOST_IP")

    def needs(self) -> Needs:
        # A name that is no path is fetched by vLLM itself.
        folder = self._options.model if self._options.model.startswith("/") else ""
        return Needs("vllm", self._options.python, folder)

    def tokenizer(self, say: Callable[[str], None]) -> TokenizerFiles | None:
        folder = Path(self._options.model)
        return TokenizerFiles(folder) if folder.is_dir() else None

    def memory(self, log: str) -> MemoryFacts | None:
        return memory_told(log)

    def failure(self, log: str) -> str:
        return failure_told(log)

    def settings(self, node: str) -> dict[str, Any]:
        return self._options.model_dump(mode="json", exclude={"pass_env", "python"})


def _by_ray(arguments: Sequence[str]) -> bool:
    """Whether vLLM is told to take its nodes from Ray."""
    return f"{_BACKEND}=ray" in arguments or (_BACKEND, "ray") in pairwise(arguments)
