"""Where Assay goes on a node, and what the command refuses before any node is entered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner
from tests.bundles import small_assay

from assay.cluster.options import SshNode, SshOptions
from assay.commands.main import main
from assay.errors import UserError
from assay.install import Bundle, Target
from assay.install.link import NodeLink, Shipment
from assay.install.nodes import FOLDER, NodeStatus, NodeView, folder_of
from assay.install.placing import ASKED_AT_ONCE, Wanted, _bundles, _left

SSH = "engine: {kind: simulated}\ncluster: {launcher: ssh, nodes: [{name: a}]}\n"


@pytest.mark.parametrize(
    ("python", "folder"),
    [
        ("python3", FOLDER),
        ("/usr/local/python3", FOLDER),
        (".local/share/assay/bin/python", ".local/share/assay"),
        ("/opt/site/assay/bin/python3.11", "/opt/site/assay"),
    ],
)
def test_the_configurations_interpreter_says_where(python: str, folder: str) -> None:
    options = SshOptions.model_validate({"launcher": "ssh", "nodes": [{"name": "a"}], "python": python})
    assert folder_of(options.nodes[0], options) == folder


def test_a_nodes_own_interpreter_goes_before_the_clusters() -> None:
    nodes = [{"name": "a", "python": "/b/bin/python"}]
    options = SshOptions.model_validate({"launcher": "ssh", "nodes": nodes, "python": "/c/bin/python"})
    assert folder_of(options.nodes[0], options) == "/b"


def view(name: str, target: str) -> NodeView:
    node = SshNode(name=name)
    status = NodeStatus(
        python="3.x", target=target, uid=1, folder="/f", mark=None, occupied=False, incoming=0, free_bytes=1
    )
    return NodeView(node, status)


def test_nodes_of_a_kind_share_a_bundle_and_one_without_a_wheel_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    links = small_assay(tmp_path / "links", monkeypatch)
    here = Target.here()
    older = Target(here.python, 17, here.machine)
    views = [view("a", str(here)), view("b", str(older)), view("c", "cp39-manylinux_2_17_x86_64"), view("d", "")]
    made = _bundles(Wanted(find_links=links), views, tmp_path)
    assert isinstance(made["a"], Bundle)
    assert made["a"] == made["b"]
    assert made["a"].manifest.target == str(older)
    assert "Assay needs Python >=3.11" in str(made["c"])
    assert "d" not in made
    with pytest.raises(UserError, match="Assay needs Python"):
        _bundles(Wanted(find_links=links), views[2:], tmp_path)


async def test_a_node_is_asked_for_many_files_in_turns() -> None:
    asked: list[list[dict[str, Any]]] = []

    class Link:
        async def ask(self, do: str, files: list[dict[str, Any]]) -> dict[str, int]:
            asked.append(files)
            return {files[-1]["path"]: 3}

    top = "folder" * 50
    shipments = [Shipment(Path("x"), f"{top}/{number}", 10, "a" * 64) for number in range(2 * ASKED_AT_ONCE + 1)]
    left = await _left(cast("NodeLink", Link()), shipments)
    assert [len(files) for files in asked] == [ASKED_AT_ONCE, ASKED_AT_ONCE, 1]
    assert left == {f"{top}/{number}": 7 for number in (ASKED_AT_ONCE - 1, 2 * ASKED_AT_ONCE - 1, 2 * ASKED_AT_ONCE)}
    assert all(len(json.dumps(files)) < 128 << 10 for files in asked)


@pytest.mark.parametrize(
    ("text", "words", "message"),
    [
        ("engine: {kind: simulated}\n", ["status"], "nodes are installed over SSH"),
        (SSH, ["install", "--model", "m"], "engine.model names no folder on the nodes"),
        (SSH, ["install", "--bundle", "b.tar", "--index"], "--bundle is what it is"),
    ],
)
def test_what_can_not_be_meant_is_said(text: str, words: list[str], message: str, tmp_path: Path) -> None:
    (tmp_path / "assay.yaml").write_text(text)
    shown = CliRunner().invoke(main, ["node", words[0], str(tmp_path / "assay.yaml"), *words[1:]])
    assert shown.exit_code == 2
    assert message in " ".join(shown.stderr.split())
