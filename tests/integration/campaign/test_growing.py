"""Campaigns whose plan grows with what was measured, where a run fails or is interrupted."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.campaigns import FAST, Quiet, config, interrupting_run, latest

from assay.campaign.runner import resume_campaign, run_campaign
from assay.campaign.state import resumed_config
from assay.runs import RunStatus

pytestmark = pytest.mark.usefixtures("no_reports")
ONE = {"cluster": {"nodes": [{"name": "node-a"}]}, "load": {"warmup_prompts": 0, "max_attempts": 1}}


def test_a_curve_that_was_interrupted_has_the_points_that_it_would_have_had(tmp_path: Path) -> None:
    """Two requests a point give no interval, so that nothing shows saturation and the way leads up to `most`."""
    campaign = {"kind": "tune-curve", "repeats": 2, "curve": {"most": 4, "requests": 2}}
    own = config(tmp_path, engine={**FAST, "speeds": {}}, campaign=campaign, queries={"Offline": 2}, **ONE)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run_campaign(own, Quiet(interrupting_run(3))))
    folder, state = latest(own.output)
    assert [entry.status for entry in state.runs].count("completed") == 2
    outcome = asyncio.run(resume_campaign(resumed_config(folder, None), folder, Quiet()))
    assert outcome.sound, [entry.reason for entry in outcome.state.runs]
    keys = [entry.key for entry in outcome.state.runs]
    first = ["offline-r0", "1-in-flight-r0", "2-in-flight-r0", "4-in-flight-r0"]
    assert keys[:4] == first
    assert sorted(keys[4:]) == sorted(key.replace("-r0", "-r1") for key in first)


def test_nothing_is_added_once_a_failure_stops_a_campaign(tmp_path: Path) -> None:
    engine = {**FAST, "speeds": {}, "faults": {"node-a": ["kind=error_500"]}}
    curve = {"most": 2, "requests": 2}
    campaign: dict[str, Any] = {"kind": "tune-curve", "repeats": 2, "stop_on_failure": True, "curve": curve}
    outcome = asyncio.run(run_campaign(config(tmp_path, engine=engine, campaign=campaign, **ONE), Quiet()))
    assert [entry.status for entry in outcome.state.runs] == [RunStatus.FAILED, RunStatus.SKIPPED, RunStatus.SKIPPED]
    assert {entry.repeat for entry in outcome.state.runs} == {0}
