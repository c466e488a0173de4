"""Campaigns whose plan grows with what was measured, where a run fails."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.campaigns import FAST, Quiet, config

from assay.campaign.runner import run_campaign
from assay.runs import RunStatus

pytestmark = pytest.mark.usefixtures("no_reports")


def test_nothing_is_added_once_a_failure_stops_a_campaign(tmp_path: Path) -> None:
    engine = {**FAST, "speeds": {}, "faults": {"node-a": ["kind=error_500"]}}
    curve = {"most": 2, "requests": 2}
    campaign: dict[str, Any] = {"kind": "tune-curve", "repeats": 2, "stop_on_failure": True, "curve": curve}
    changes = {"cluster": {"nodes": [{"name": "node-a"}]}, "load": {"warmup_prompts": 0, "max_attempts": 1}}
    outcome = asyncio.run(run_campaign(config(tmp_path, engine=engine, campaign=campaign, **changes), Quiet()))
    assert [entry.status for entry in outcome.state.runs] == [RunStatus.FAILED, RunStatus.SKIPPED, RunStatus.SKIPPED]
    assert {entry.repeat for entry in outcome.state.runs} == {0}
