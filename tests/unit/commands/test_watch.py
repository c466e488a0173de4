"""`assay watch --web`: which pages are served, and what is said where they can't be."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.following import campaign, entry

import assay.watch.web
from assay.commands.main import main
from assay.extras import how_to_add
from assay.runs import RunStatus
from assay.watch.web import Place

ROOMS = ("assay.watch.web", "assay.watch.web.server", "assay.watch.web.app", "assay.watch.web.guard")


def watch(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["watch", "--web", *map(str, arguments)])


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, Place, str]]:
    """What would be served."""
    told: list[tuple[Path, Place, str]] = []
    monkeypatch.setattr(
        assay.watch.web, "serve", lambda results, place, ready, page: told.append((results, place, page))
    )
    return told


def test_the_address_opens_on_what_was_named(tmp_path: Path, served: list[tuple[Path, Place, str]]) -> None:
    folder = campaign(tmp_path / "c", [entry(0, "run-0", RunStatus.COMPLETED)])
    for named in ([], [folder.path], [folder.run("run-0").path]):
        assert watch("--output", tmp_path, "--port", "0", *named).exit_code == 0
    assert served == [
        (tmp_path, Place("127.0.0.1", 0), ""),
        (tmp_path, Place("127.0.0.1", 0), "campaigns/c/"),
        (tmp_path, Place("127.0.0.1", 0), "campaigns/c/runs/run-0/"),
    ]


def test_what_is_no_campaign_is_said(tmp_path: Path, served: list[tuple[Path, Place, str]]) -> None:
    told = watch(tmp_path)
    assert (told.exit_code, served) == (2, [])
    assert "not a campaign folder" in told.output


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for room in ROOMS:
        monkeypatch.delitem(sys.modules, room, raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    told = watch("--output", tmp_path)
    assert told.exit_code == 2
    assert how_to_add("web") in told.output


def test_one_look_is_for_terminals(tmp_path: Path) -> None:
    told = watch("--once", "--output", tmp_path)
    assert told.exit_code == 2
    assert "--once" in told.output
