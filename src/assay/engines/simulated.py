"""The simulator as an engine: for tests, demonstrations and plans. Its endpoints say that they are simulated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assay.engines.base import Engine, server_name
from assay.engines.options import SimulatedOptions
from assay.errors import UserError
from assay.serving.needs import Needs
from assay.serving.nodes import NodeOptions
from assay.serving.servers import HOST, PORT, PYTHON, ServerSpec

# Options that go to the simulator under their own names.
TIMING = (
    "ttft_ms",
    "ttft_per_prompt_token_ms",
    "itl_ms",
    "itl_per_seq_ms",
    "tokens_per_step",
    "jitter",
    "cold_factor",
    "cold_intervals",
    "max_num_seqs",
    "kv_tokens",
    "output_tokens",
    "output_sigma",
    "seed",
)


class SimulatedEngine(Engine):
    kind = "simulated"
    simulated = True

    def __init__(self, options: SimulatedOptions) -> None:
        self._options = options

    @property
    def model(self) -> str:
        return self._options.model

    @property
    def window(self) -> int:
        return self._options.window

    def servers(self, nodes: Sequence[NodeOptions]) -> list[ServerSpec]:
        known = {node.name for node in nodes}
        named = {*self._options.speeds, *self._options.faults}
        if unknown := sorted(named - known):
            names = ", ".join(sorted(known))
            raise UserError(f"engine: speeds and faults name {', '.join(unknown)}, but the nodes are {names}")
        return [
            ServerSpec(
                name=server_name(node.name, index, node.servers or 1),
                node=node.name,
                argv=(*self.command(node.name), *self._truth(server_name(node.name, index, node.servers or 1))),
                env=self._options.env,
                secret_env=self._options.pass_env,
                port=self._options.port + index if self._options.port else 0,
                ready_timeout_s=self._options.ready_timeout_s,
                image=self._options.image,
            )
            for node in nodes
            for index in range(node.servers or 1)
        ]

    def command(self, node: str) -> list[str]:
        """The argument list, with placeholders for interpreter, address and port."""
        command = [PYTHON, "-m", "assay.simulator", "--host", HOST, "--port", PORT, "--model", self.model]
        for name in TIMING:
            command += [f"--{name.replace('_', '-')}", str(getattr(self._options, name))]
        for fault in self._options.faults.get(node, ()):
            command += ["--fault", fault]
        return [*command, "--speed", str(self.speed(node))]

    def _truth(self, server: str) -> tuple[str, ...]:
        folder = self._options.truth
        return ("--truth", str(folder / f"{server}.jsonl")) if folder else ()

    def speed(self, node: str) -> float:
        return self._options.speeds.get(node, 1.0)

    def needs(self) -> Needs:
        return Needs("assay")

    def settings(self, node: str) -> dict[str, Any]:
        chosen = {name: getattr(self._options, name) for name in TIMING}
        return {**chosen, "speed": self.speed(node), "faults": list(self._options.faults.get(node, ()))}
