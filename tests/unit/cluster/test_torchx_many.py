"""Many servers with TorchX, without it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

from assay.cluster.options import TorchxOptions
from assay.cluster.torchx import TorchxLauncher
from assay.serving.nodes import NodeOptions
from assay.serving.servers import PlacedServer, ServerSpec


async def test_one_status_of_a_torchx_app_serves_all_its_servers() -> None:
    options = TorchxOptions(launcher="torchx", nodes=(NodeOptions(name="n"),), scheduler="slurm")
    launcher, asked = TorchxLauncher(options, "many"), []

    def status(app: str) -> None:
        asked.append(app)

    launcher._runner = SimpleNamespace(status=status)
    servers = [PlacedServer(ServerSpec(f"s{i}", "n", ()), "", {"app": "slurm://a/b"}) for i in range(1000)]
    assert set(await asyncio.gather(*map(launcher.waiting_for, servers))) == {None}
    assert asked == ["slurm://a/b"]
