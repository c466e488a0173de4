"""What this machine's launcher says of its nodes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from assay.cluster import local
from assay.cluster.launcher import LookProgram
from assay.cluster.local import LocalLauncher
from assay.runs.node_facts import AcceleratorFacts, NodeFacts
from assay.serving.nodes import NodeOptions
from assay.serving.servers import ServerSpec

MANY = [f"n{number:04}" for number in range(64)]


class Processes:
    """subprocess.run that counts what it starts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._run = subprocess.run
        self.started: list[str] = []
        monkeypatch.setattr(subprocess, "run", self)

    def __call__(self, command: list[str], **options: Any) -> subprocess.CompletedProcess[Any]:
        self.started.append(options["input"])
        return self._run(command, **options)


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


def test_a_machine_of_many_nodes_is_asked_for_its_facts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    processes = Processes(monkeypatch)
    launcher = LocalLauncher("label", tmp_path)

    async def found() -> list[NodeFacts]:
        await launcher.prepare([ServerSpec(name=f"{node}-0", node=node, argv=("true",)) for node in MANY])
        return await launcher.facts()

    facts = asyncio.run(found())
    assert [node.name for node in facts] == MANY
    assert len({node.cpu_model for node in facts}) == 1
    assert len(processes.started) == 1


@pytest.mark.parametrize(
    ("text", "printed", "problem"), [("print('seen')", "seen\n", ""), ("raise SystemExit(3)", None, "exit status 3")]
)
def test_a_machine_of_many_nodes_is_looked_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, printed: str | None, problem: str
) -> None:
    processes = Processes(monkeypatch)
    launcher = LocalLauncher("label", tmp_path, nodes=[NodeOptions(name=name) for name in MANY])
    looks = asyncio.run(launcher.look(LookProgram(text, python=sys.executable)))
    assert [look.node.name for look in looks] == [look.facts.name for look in looks if look.facts] == MANY
    assert {look.output for look in looks} == {printed}
    assert all(problem in look.problem and bool(look.problem) == bool(problem) for look in looks)
    assert len(processes.started) == 2, "the facts' probe, and the program"
