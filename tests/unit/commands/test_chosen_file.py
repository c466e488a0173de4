"""Commands without FILE take `assay.yaml` of the folder they are called in, and say so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.campaigns import settings, write_settings

from assay.commands.main import main

COMMANDS = {"run": ["run", "--plan", "--json"], "check": ["check", "--json"], "export": ["export", "scripts", "--json"]}
SAID = "assay: using ./assay.yaml\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(name: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, [*COMMANDS[name], *arguments])


def test_run_plans_what_the_file_says(here: Path) -> None:
    assert len(json.loads(call("run").stdout)) == 6, "the embedded default: three scenarios, two modes"
    write_settings(here / "assay.yaml", settings(here / "results"))
    found = call("run")
    assert SAID in found.stderr
    assert [(run["scenario"], run["nodes"]) for run in json.loads(found.stdout)] == [("Offline", ["node-a", "node-b"])]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_mistake_in_the_file_shows_that_it_is_read(here: Path, name: str) -> None:
    (here / "assay.yaml").write_text("name: a\nscenarios: [Offline]\nname: b\n")
    found = call(name)
    assert found.exit_code == 2
    assert "assay.yaml:3: 'name' stands twice, first in line 1" in found.stderr
    assert SAID in found.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_a_file_that_is_given_is_the_one(here: Path, name: str) -> None:
    (here / "assay.yaml").write_text("nonsense: 1\n")
    found = call(name, "other.yaml")
    assert "other.yaml: no such file" in found.stderr
    assert SAID not in found.stderr


def test_resuming_looks_where_the_file_puts_results(here: Path) -> None:
    write_settings(here / "assay.yaml", settings(here / "elsewhere"))
    found = CliRunner().invoke(main, ["run", "--resume"])
    assert f"no campaign in {here / 'elsewhere'} is unfinished" in found.stderr
