"""Every recipe of docs/extending.md, followed in a copy of the package, and what it makes is run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.recipes import ROOT, Recipe, recipes

_COMMON, *_RECIPES = recipes()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package, beside a program `assay` that runs it and the document's assay.yaml."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    _COMMON.write(tmp_path)
    program = tmp_path / "bin" / "assay"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m assay.commands.main "$@"\n')
    program.chmod(0o755)
    return tmp_path


def run(folder: Path, commands: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(folder / "src"),
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
    }
    return subprocess.run(
        ["bash", "-euc", commands],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.mark.parametrize("recipe", _RECIPES, ids=lambda recipe: recipe.title)
def test_a_recipe_makes_what_it_says(recipe: Recipe, copy: Path) -> None:
    recipe.write(copy)
    for commands in recipe.commands:
        done = run(copy, commands)
        assert done.returncode == 0, f"{commands}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


@pytest.mark.parametrize("recipe", _RECIPES, ids=lambda recipe: recipe.title)
def test_without_its_files_a_recipe_does_nothing(recipe: Recipe, copy: Path) -> None:
    """The commands can fail: on the package as it is they do."""
    assert any(run(copy, commands).returncode for commands in recipe.commands)
