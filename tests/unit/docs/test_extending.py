"""docs/extending.md fits the source: its changes find their place, and each recipe is complete and at most a page."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.recipes import ROOT, Change, recipes

_PAGE = 120  # lines, of which the longest recipe's file takes most
_COMMON, *_RECIPES = recipes()
TOPICS = ("launcher", "engine", "benchmark", "scorer", "audit rule", "chart", "data-set format", "kind of campaign")


def test_there_is_a_recipe_for_each_extension() -> None:
    assert [recipe.title for recipe in _RECIPES] == [f"{'An' if t[0] in 'ae' else 'A'} {t}" for t in TOPICS]
    assert list(_COMMON.files) == ["assay.yaml"]


@pytest.mark.parametrize("recipe", _RECIPES, ids=lambda recipe: recipe.title)
def test_a_recipe_fits_the_source_and_the_projects_style(recipe: object, tmp_path: Path) -> None:
    (known,) = (each for each in _RECIPES if each is recipe)
    assert known.files
    assert known.commands
    assert known.lines <= _PAGE
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    known.write(tmp_path)
    touched = [*known.files, *(change.path for change in known.changes)]
    for words in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *words, "--no-cache", *touched],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


def test_a_change_that_finds_no_place_or_two_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\ny = 2\ny = 2\n")
    for old, places in (("z = 3\n", 0), ("y = 2\n", 2)):
        with pytest.raises(ValueError, match=rf"a\.py has {places} places"):
            Change("a.py", old, "").apply(tmp_path)
    Change("a.py", "x = 1\n", "x = 1\nz = 3\n").apply(tmp_path)
    assert (tmp_path / "a.py").read_text() == "x = 1\nz = 3\ny = 2\ny = 2\n"


def test_a_block_that_can_not_be_followed_is_refused() -> None:
    with pytest.raises(ValueError, match="a block of 'text'"):
        recipes("Intro\n\n## A thing\n\n```text\nwords\n```\n")
