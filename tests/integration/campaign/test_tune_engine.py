"""A search through an engine's settings on simulated servers, one of whose setups doesn't start."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.campaigns import FAST, Quiet, config, interrupting_run, latest

from assay.audit import Judgement, audit_path
from assay.campaign.runner import CampaignOutcome, resume_campaign, run_campaign
from assay.campaign.state import resumed_config
from assay.config import load_config
from assay.report import render_campaign
from assay.runs import CampaignFolder, RunStatus, read_record
from assay.runs.campaign import BEST
from assay.runs.campaign_manifest import check_campaign

pytestmark = pytest.mark.usefixtures("no_reports")
TUNING = {
    # Ten milliseconds are too short for any server's start, and those of the default are enough.
    "settings": {"max_num_seqs": [16], "ready_timeout_s": [0.01, 30]},
    "layouts": [{"replicas": 2}],
}


def contradictions(folder: CampaignFolder) -> list[str]:
    """Of the rule about the plan; the others' are about what this machine did meanwhile."""
    found = [problem for problem in audit_path(folder.path).problems if problem.rule == "campaign-runs"]
    return [problem.arithmetic for problem in found if problem.verdict is Judgement.CONTRADICTED]


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> CampaignOutcome:
    """Carried out once, in two sittings: told to end in its second run, then gone on with."""
    folder = tmp_path_factory.mktemp("search")
    patch = pytest.MonkeyPatch()
    patch.setattr("assay.campaign.runner.render_reports", lambda *_: [])
    changes: dict[str, Any] = {"engine": {**FAST, "speeds": {}, "max_num_seqs": 1}, "queries": {"Offline": 16}}
    campaign = {"kind": "tune-engine", "engine": TUNING}
    try:
        of = config(folder, **changes, campaign=campaign, cluster={"nodes": [{"name": "node-a"}]})
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(run_campaign(of, Quiet(interrupting_run(2))))
        begun, state = latest(folder / "results")
        assert state.ended_utc is None
        return asyncio.run(resume_campaign(resumed_config(begun, None), begun, Quiet()))
    finally:
        patch.undo()


def test_what_was_measured_before_an_interruption_is_kept(searched: CampaignOutcome) -> None:
    assert len(searched.state.sessions) == 2
    assert searched.state.runs[0].earlier == []
    assert len([run for run in searched.state.runs if run.earlier]) == 1
    assert [(run.stage, run.start) for run in searched.state.runs[:3]] == [("short", 0), ("short", 1), ("short", 2)]


def test_runs_are_on_servers_of_their_own_settings(searched: CampaignOutcome) -> None:
    assert searched.sound, [entry.reason for entry in searched.state.runs]
    finals = [entry for entry in searched.state.runs if entry.stage == "final"]
    assert len(finals) == 6
    for entry in finals:
        assert entry.run is not None
        facts = read_record(searched.folder.run(entry.run))
        slots = {endpoint.settings["max_num_seqs"] for endpoint in facts.endpoints}
        assert slots == {entry.settings.get("max_num_seqs", 1)}
        assert len(facts.endpoints) == (entry.servers or 1)
    tuned = {(str(entry.settings), entry.servers) for entry in finals}
    assert tuned == {("{}", None), ("{'max_num_seqs': 16}", 2)}


def test_a_setup_that_does_not_start_is_told_and_the_others_are_measured(searched: CampaignOutcome) -> None:
    (lost,) = [entry for entry in searched.state.runs if entry.status is RunStatus.FAILED]
    assert lost.settings == {"max_num_seqs": 16, "ready_timeout_s": 0.01}
    assert lost.run is None
    assert "node-a" in lost.reason
    assert all(entry.status is RunStatus.COMPLETED for entry in searched.state.runs if entry is not lost)


def test_the_best_configuration_runs_as_it_is(searched: CampaignOutcome, tmp_path: Path) -> None:
    best = load_config(searched.folder.path / BEST, [f"output={tmp_path / 'again'}"])
    outcome = asyncio.run(run_campaign(best, Quiet()))
    assert outcome.sound
    assert [entry.key for entry in outcome.state.runs] == ["offline-performance-r0"]


def test_its_manifest_holds_it_and_resuming_measures_nothing_again(searched: CampaignOutcome) -> None:
    assert check_campaign(searched.folder).differences == []
    listener = Quiet()
    again = asyncio.run(resume_campaign(resumed_config(searched.folder, None), searched.folder, listener))
    assert listener.ended == []
    assert [entry.key for entry in again.state.runs] == [entry.key for entry in searched.state.runs]
    assert check_campaign(searched.folder).differences == []


def test_its_page_answers_and_lists_every_try(searched: CampaignOutcome) -> None:
    render_campaign(searched.folder)
    report = orjson.loads(searched.folder.report_json.read_bytes())
    tuned = report["engine"]
    assert tuned["tries"][0]["name"] == "as configured"
    assert len(tuned["tries"]) == 3
    assert tuned["best"] in (None, "max_num_seqs 16, 2 servers a node")
    assert tuned["best"] is None or report["answer"][0].startswith(tuned["best"])
    assert all(one["start_s"] > 0 for one in tuned["tries"] if not one["reason"])
    page = (searched.folder.path / "report.md").read_text()
    assert "All tries, in their order" in page
    assert "max_num_seqs 16, ready_timeout_s 0.01" in page


def test_the_audit_knows_the_settings_of_each_run(searched: CampaignOutcome) -> None:
    assert contradictions(searched.folder) == []
    text = searched.folder.state.read_text()
    try:
        searched.folder.state.write_text(text.replace('"max_num_seqs": 16', '"max_num_seqs": 8'))
        found = contradictions(searched.folder)
    finally:
        searched.folder.state.write_text(text)
    assert "8 in the plan" in found
