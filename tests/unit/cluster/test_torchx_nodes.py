"""What TorchX's nodes are known by: a local scheduler's are this machine, of others TorchX tells only the name."""

from __future__ import annotations

import os

import pytest

from assay.cluster.options import TorchxOptions
from assay.cluster.torchx.launcher import TorchxLauncher
from assay.serving.servers import PlacedServer, ServerSpec


@pytest.mark.parametrize(("scheduler", "own"), [("local_cwd", True), ("slurm", False)])
async def test_nodes_of_a_local_scheduler_are_this_machine(scheduler: str, own: bool) -> None:
    nodes = [{"name": "a"}, {"name": "b"}]
    options = TorchxOptions.model_validate({"launcher": "torchx", "scheduler": scheduler, "nodes": nodes})
    launcher = TorchxLauncher(options, "label")
    launcher.specs = [ServerSpec(name=f"{name}-0", node=name, argv=()) for name in "ab"]
    launcher.servers = [PlacedServer(spec, "http://elsewhere:80") for spec in launcher.specs]
    facts = await launcher.facts()
    assert [node.name for node in facts] == ["a", "b"]
    assert {node.hostname for node in facts} == ({os.uname().nodename} if own else {"elsewhere"})
    told = await launcher.observe(lambda node, line: None)
    assert {"as the controller" in words for words in told.values()} == {own}
    assert list(told) == ["a", "b"]
