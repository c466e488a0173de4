"""`assay watch` where no terminal is: what is followed, and when it ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.following import begin, campaign, entry, progress

from assay.commands.watch import watch
from assay.runs import CampaignFolder, RunStatus


@pytest.fixture
def folder(tmp_path: Path) -> CampaignFolder:
    """One run has ended, one is on."""
    made = campaign(tmp_path / "c", [entry(0, "run-0", RunStatus.COMPLETED), entry(1, "run-1")])
    begin(made, "run-0", progress(1, 40))
    begin(made, "run-1", progress(1, 7))
    return made


def said(*arguments: str) -> str:
    done = CliRunner().invoke(watch, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def test_of_a_campaign_the_run_that_is_on_is_told(folder: CampaignFolder) -> None:
    told = said(str(folder.path), "--once")
    assert "run 2 of 2" in told
    assert "7/1,000 samples" in told


def test_a_runs_folder_stands_for_that_run_alone_and_its_end_is_the_end(
    folder: CampaignFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.run("run-0").path)
    told = said(".")  # else it would go on until the campaign ends
    assert "run 1 of 2" in told
    assert "40/1,000 samples" in told


def test_the_newest_is_found(folder: CampaignFolder) -> None:
    assert "run 2 of 2" in said("--once", "--output", str(folder.path.parent))
