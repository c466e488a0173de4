"""`assay examples` lists the files that come with the package, writes them, and writes over nothing."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from assay.commands.main import main
from assay.config import load_config

SHIPPED = {Path(file.name).stem: Path(str(file)) for file in files("assay").joinpath("examples").iterdir()}
CONFIGURATIONS = sorted(
    name for name, path in SHIPPED.items() if path.suffix == ".yaml" and not name.startswith("claims")
)


def examples(*words: str) -> Result:
    return CliRunner().invoke(main, ["examples", *words])


def test_each_is_listed_with_what_it_says_of_itself() -> None:
    listed = examples().output.splitlines()
    assert [line.split()[0] for line in listed] == sorted(SHIPPED)
    assert "first-run                    One simulated node, eight prompts" in "\n".join(listed)
    assert all(len(line.split()) > 3 for line in listed)
    told = [" ".join(line.split()[1:]).partition(" `assay audit")[0] for line in listed]
    cut = {name for name, line in zip(sorted(SHIPPED), told, strict=True) if line[-1] not in ".?"}
    assert cut == {"results"}, "the title of a notebook; others' first lines end with their sentence"
    assert len(set(told)) == len(told), "each says how it differs from the others"


def test_one_is_written_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert examples("first-run").output == "first-run.yaml\n"
    assert [path.name for path in tmp_path.iterdir()] == ["first-run.yaml"]
    (tmp_path / "first-run.yaml").write_text("mine")
    again = examples("first-run")
    assert (again.exit_code, "first-run.yaml exists" in again.output) == (2, True)
    assert (tmp_path / "first-run.yaml").read_text() == "mine"


def test_all_are_written_into_a_folder(tmp_path: Path) -> None:
    assert examples("--into", str(tmp_path / "new")).exit_code == 0
    written = {path.stem: path.read_bytes() for path in (tmp_path / "new").iterdir()}
    assert written == {name: path.read_bytes() for name, path in SHIPPED.items()}


def test_an_unknown_one_is_told_with_those_that_are_there() -> None:
    shown = examples("first_run")
    assert (shown.exit_code, "there are claims-scaling-above-linear, " in shown.output) == (2, True)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_configuration_is_valid_and_says_how_it_is_run(name: str) -> None:
    assert load_config(SHIPPED[name]).name == name
