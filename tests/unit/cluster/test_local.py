"""What this machine's launcher says of its nodes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from assay.cluster import local
from assay.cluster.local import LocalLauncher
from assay.runs.node_facts import AcceleratorFacts, NodeFacts
from assay.serving.servers import ServerSpec


@pytest.mark.parametrize("accelerators", [0, 2])
def test_accelerators_are_only_named_where_there_are_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, accelerators: int
) -> None:
    found = [AcceleratorFacts(index=index, name="GPU") for index in range(accelerators)]
    monkeypatch.setattr(local, "probe_here", lambda: NodeFacts(name="here", accelerators=found))
    launcher = LocalLauncher("label", tmp_path)

    async def told() -> dict[str, str]:
        await launcher.prepare([ServerSpec(name="node-a-0", node="node-a", argv=("true",))])
        await launcher.facts()
        return await launcher.observe(lambda *_: None)

    words = asyncio.run(told())
    assert list(words) == ["node-a"]
    assert "its host" in words["node-a"]
    assert ("accelerators in use" in words["node-a"]) == bool(accelerators)
