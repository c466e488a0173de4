"""A scaling campaign that was interrupted and resumed answers its question as if nothing had happened."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.campaigns import Quiet, config, latest

from assay.analysis.campaign import analyse_campaign, run_line
from assay.analysis.run import analyse_run
from assay.campaign.runner import resume_campaign, run_campaign
from assay.campaign.state import resumed_config
from assay.runs.progress import AnyEvent

pytestmark = pytest.mark.usefixtures("no_reports")


class Interrupting(Quiet):
    """Ends the campaign, as Ctrl-C would, at the first word of its second run."""

    def progress(self, event: AnyEvent) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self.ended) == 1:
            task.cancel()


def test_runs_before_and_after_an_interruption_are_compared(tmp_path: Path) -> None:
    # Without a warm-up's rates: of eight samples an endpoint that seemed slow once may get none.
    own = config(tmp_path, campaign={"kind": "scaling", "repeats": 1}, load={"warmup_prompts": 0})
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run_campaign(own, Interrupting()))
    folder, state = latest(own.output)
    assert [entry.status for entry in state.runs].count("completed") == 1
    outcome = asyncio.run(resume_campaign(resumed_config(folder, None), folder, Quiet()))
    assert outcome.sound, [entry.reason for entry in outcome.state.runs]
    lines = [run_line(e, analyse_run(folder.run(e.run))) for e in outcome.state.runs if e.run is not None]
    analysis = analyse_campaign(folder, lines)
    assert analysis is not None
    assert analysis.why_no_scaling == ""
    assert analysis.scaling is not None
    assert [group.efficiency is not None for group in analysis.scaling.groups] == [True]
