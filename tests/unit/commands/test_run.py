"""What ends a command before its campaign does says how to go on, if there is something to go on with."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.campaigns import FAST, Quiet, config

from assay.campaign.runner import CampaignOutcome, run_campaign
from assay.commands.run import completed
from assay.commands.terminal import Terminal
from assay.errors import EXIT_INTERRUPTED, AssayError, InterruptionError
from assay.runs import CampaignFolder, RunStatus, read_campaign, write_json


async def _interrupted() -> CampaignOutcome:
    raise asyncio.CancelledError


async def _full() -> CampaignOutcome:
    raise OSError(28, "No space left on device", "x")


def _terminal(folder: CampaignFolder | None) -> Terminal:
    terminal = Terminal(quiet=True)
    terminal.folder = folder
    return terminal


def test_an_interruption_says_what_is_kept_and_what_resuming_does(tmp_path: Path) -> None:
    one = {"nodes": [{"name": "node-a"}]}
    settings = config(tmp_path, engine={**FAST, "speeds": {}}, cluster=one, queries={"Offline": 4})
    folder = asyncio.run(run_campaign(settings, Quiet())).folder
    command = f"`assay run --resume {folder.path}`"

    def said() -> str:
        with pytest.raises(InterruptionError) as ended:
            completed(_interrupted(), _terminal(folder))
        assert ended.value.exit_code == EXIT_INTERRUPTED
        return str(ended.value)

    assert said() == f"interrupted; all runs are over, and the reports made: {folder.report}"
    folder.report.unlink()
    missing = f"all runs are over and kept, {command} makes the reports that are missing"
    assert said() == f"interrupted; {missing}"
    with pytest.raises(AssayError, match="x: No space left on device; all runs are over and kept"):
        completed(_full(), _terminal(folder))
    state = read_campaign(folder)
    state.runs[0].status = RunStatus.INTERRUPTED
    write_json(folder.state, state)
    assert said() == f"interrupted; what was measured is kept, {command} goes on"


def test_where_nothing_began_nothing_goes_on() -> None:
    with pytest.raises(InterruptionError, match=r"^interrupted$"):
        completed(_interrupted(), _terminal(None))
    with pytest.raises(AssayError) as raised:
        completed(_full(), _terminal(None))
    assert str(raised.value) == "x: No space left on device"
