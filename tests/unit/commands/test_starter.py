"""`assay init` writes, for each launcher and engine, a file that `assay run` and editors accept, and no more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import jsonschema
import pytest
import yaml
from click.testing import CliRunner

from assay.cluster.options import SshNode
from assay.commands.main import main
from assay.commands.schema import config_schema
from assay.commands.starter import SCHEMA, EngineName, LauncherName, Starter, starter, write_starter
from assay.config import Config, load_config
from assay.errors import UserError
from assay.runs.node_facts import AcceleratorFacts, NodeFacts

ROOT = Path(__file__).parents[3]
STARTERS = [
    *(Starter(launcher, engine) for launcher in get_args(LauncherName) for engine in ("embedded", "vllm", "simulated")),
    Starter("local", "external"),
]


def read(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "assay.yaml"
    path.write_text(text)
    return load_config(path)


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(config_schema())


def test_without_accelerators_it_is_the_embedded_engine(tmp_path: Path) -> None:
    facts = [NodeFacts(name="local", cpu_model="a CPU: with # signs")]
    config = read(tmp_path, starter(Starter("local", "embedded", facts)))
    assert (config.engine.kind, config.cluster.launcher, config.benchmark) == ("embedded", "local", "smollm2-135m")


def test_with_accelerators_it_is_vllm_on_all_of_them(tmp_path: Path) -> None:
    devices = [AcceleratorFacts(index=i, name="FAKE A30") for i in range(2)]
    nodes = [SshNode(name=f"n{i}", address=f"n{i}.example", user="me", port=2222) for i in (1, 2)]
    facts = [NodeFacts(name=node.name, accelerators=devices) for node in nodes]
    config = read(tmp_path, starter(Starter("ssh", "vllm", facts, nodes)))
    assert config.engine.kind == "vllm"
    assert config.cluster.launcher == "ssh"
    assert [(n.name, n.address, n.user, n.port, n.accelerators) for n in config.cluster.nodes] == [
        ("n1", "n1.example", "me", 2222, (0, 1)),
        ("n2", "n2.example", "me", 2222, (0, 1)),
    ]


@pytest.mark.parametrize("what", STARTERS, ids=lambda what: f"{what.launcher}-{what.engine}")
def test_each_is_valid_and_holds_what_its_user_needs(
    what: Starter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, validator: jsonschema.Draft202012Validator
) -> None:
    monkeypatch.chdir(tmp_path)
    text = starter(what)
    config = read(tmp_path, text)
    assert config.engine.kind == what.engine
    validator.validate(yaml.safe_load(text))
    external = what.engine == "external"
    assert ("cluster:" in text) is not external
    assert external or config.cluster.launcher == what.launcher
    accelerators = [index for node in config.cluster.node_list() for index in node.accelerators]
    assert bool(accelerators) is (what.engine == "vllm")
    assert "${" not in text
    assert max(map(len, text.splitlines())) <= 120
    (tutorial,) = [word.rstrip(".") for word in text.split() if word.startswith("docs/tutorials/")]
    assert (ROOT / tutorial).is_file()
    sample = {"input": "text", "tok_input": [5, 6, 7], "output": "text"}
    (tmp_path / "cnn_eval.json").write_text(json.dumps([sample] * 24))
    planned = CliRunner().invoke(main, ["run", "assay.yaml", "--plan"])
    assert planned.exit_code == 0, planned.output
    assert planned.output.startswith("plan: single campaign, ")


@pytest.mark.parametrize(
    ("words", "engine", "launcher", "nodes"),
    [
        (["--launcher", "ssh", "--engine", "vllm"], "vllm", "ssh", ["node1", "node2"]),
        (["--launcher", "slurm"], "vllm", "slurm", ["node1", "node2"]),
        (["--engine", "simulated"], "simulated", "local", ["local"]),
        (["--engine", "external"], "external", "local", ["local"]),
    ],
)
def test_the_command_writes_what_was_asked_for_and_the_schema_beside_it(
    words: list[str], engine: str, launcher: str, nodes: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "mine.yaml"
    done = CliRunner().invoke(main, ["init", str(path), *words])
    assert done.exit_code == 0, done.output
    config = load_config(path)
    assert (config.engine.kind, config.cluster.launcher) == (engine, launcher)
    assert [node.name for node in config.cluster.node_list()] == nodes
    assert path.read_text().startswith(f"# yaml-language-server: $schema={SCHEMA}\n")
    assert json.loads((tmp_path / SCHEMA).read_text()) == config_schema()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--ssh", "a", "--launcher", "slurm"], "--ssh goes with --launcher ssh, not slurm"),
        (["--engine", "external", "--launcher", "ssh"], "servers that run already have no launcher"),
        (["--engine", "external", "--ssh", "a"], "servers that run already have no launcher"),
    ],
)
def test_what_does_not_go_together_is_told(words: list[str], message: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["init", str(tmp_path / "assay.yaml"), *words])
    assert (done.exit_code, message in done.output) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_kept_and_a_wrong_host_is_named(tmp_path: Path) -> None:
    path = tmp_path / "assay.yaml"
    path.write_text("mine")
    with pytest.raises(UserError, match="--force"):
        write_starter(path, force=False)
    assert path.read_text() == "mine"
    with pytest.raises(UserError, match=r"\[user@\]host\[:port\]"):
        write_starter(tmp_path / "other.yaml", ["a b"], force=False)


def test_engines_and_launchers_are_all_offered() -> None:
    init = main.get_command(None, "init")  # type: ignore[arg-type]
    assert init is not None
    offered = {option.name: getattr(option.type, "choices", ()) for option in init.params}
    assert tuple(offered["launcher"]) == get_args(LauncherName)
    assert tuple(offered["engine"]) == get_args(EngineName)
