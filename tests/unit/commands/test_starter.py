"""`assay init` writes a file that `assay run` accepts."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.cluster.options import SshNode
from assay.commands.starter import starter, write_starter
from assay.config import Config, load_config
from assay.errors import UserError
from assay.runs.node_facts import AcceleratorFacts, NodeFacts


def read(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "assay.yaml"
    path.write_text(text)
    return load_config(path)


def test_without_accelerators_it_is_the_embedded_engine(tmp_path: Path) -> None:
    config = read(tmp_path, starter([NodeFacts(name="local", cpu_model="a CPU: with # signs")]))
    assert (config.engine.kind, config.cluster.launcher, config.benchmark) == ("embedded", "local", "smollm2-135m")


def test_with_accelerators_it_is_vllm_on_all_of_them(tmp_path: Path) -> None:
    devices = [AcceleratorFacts(index=i, name="FAKE A30") for i in range(2)]
    nodes = [SshNode(name=f"n{i}", address=f"n{i}.example", user="me", port=2222) for i in (1, 2)]
    text = starter([NodeFacts(name=node.name, accelerators=devices) for node in nodes], nodes)
    config = read(tmp_path, text)
    assert config.engine.kind == "vllm"
    assert config.cluster.launcher == "ssh"
    assert [(n.name, n.address, n.user, n.port, n.accelerators) for n in config.cluster.nodes] == [
        ("n1", "n1.example", "me", 2222, (0, 1)),
        ("n2", "n2.example", "me", 2222, (0, 1)),
    ]


def test_an_existing_file_is_kept_and_a_wrong_host_is_named(tmp_path: Path) -> None:
    path = tmp_path / "assay.yaml"
    path.write_text("mine")
    with pytest.raises(UserError, match="--force"):
        write_starter(path, force=False)
    assert path.read_text() == "mine"
    with pytest.raises(UserError, match=r"\[user@\]host\[:port\]"):
        write_starter(tmp_path / "other.yaml", ["a b"], force=False)
