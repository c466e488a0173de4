"""What ends a command before its campaign does says how to go on, if there is something to go on with."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.campaigns import FAST, Quiet, config

from assay.campaign.runner import CampaignOutcome, run_campaign
from assay.commands.run import completed
from assay.errors import EXIT_INTERRUPTED, AssayError


async def _interrupted() -> CampaignOutcome:
    raise asyncio.CancelledError


async def _full() -> CampaignOutcome:
    raise OSError(28, "No space left on device", "x")


def test_an_interruption_names_the_campaign_to_go_on_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = {"nodes": [{"name": "node-a"}]}
    settings = config(tmp_path, engine={**FAST, "speeds": {}}, cluster=one, queries={"Offline": 4})
    folder = asyncio.run(run_campaign(settings, Quiet())).folder
    folder.report.unlink()  # then it isn't over
    for place in (folder.path, folder.path.parent):
        with pytest.raises(SystemExit) as ended:
            completed(_interrupted(), place)
        assert ended.value.code == EXIT_INTERRUPTED
        assert f"`assay run --resume {folder.path}` goes on" in capsys.readouterr().err
        with pytest.raises(AssayError, match="No space left on device; what was measured is kept"):
            completed(_full(), place)


def test_where_nothing_began_nothing_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        completed(_interrupted(), tmp_path)
    assert capsys.readouterr().err == "assay: interrupted\n"
    with pytest.raises(AssayError) as raised:
        completed(_full(), tmp_path / "none")
    assert str(raised.value) == "x: No space left on device"
