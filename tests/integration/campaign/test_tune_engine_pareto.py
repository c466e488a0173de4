"""A search through settings for throughput against pace, on simulated servers of known slots."""

from __future__ import annotations

import asyncio

import orjson
import pytest
from tests.campaigns import Quiet, config

from assay.analysis.engine_models import Tuned
from assay.audit import Judgement, audit_path
from assay.campaign.runner import CampaignOutcome, run_campaign
from assay.config import load_config
from assay.report import render_campaign
from assay.runs import read_record

pytestmark = pytest.mark.usefixtures("no_reports")
SERVER = {"kind": "simulated", "ttft_ms": 5, "itl_ms": 4, "output_tokens": 8, "max_num_seqs": 1}
PLACES = [1, 8]


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> CampaignOutcome:
    folder = tmp_path_factory.mktemp("search")
    tuning = {"objective": "pareto", "settings": {"max_num_seqs": [8]}, "concurrencies": PLACES, "point_s": 2}
    of = config(
        folder,
        engine=SERVER,
        cluster={"nodes": [{"name": "node-a"}]},
        campaign={"kind": "tune-engine", "engine": tuning},
    )
    patch = pytest.MonkeyPatch()
    patch.setattr("assay.campaign.runner.render_reports", lambda *_: [])
    try:
        return asyncio.run(run_campaign(of, Quiet()))
    finally:
        patch.undo()


def test_every_number_in_flight_is_measured_on_servers_of_their_own_settings(searched: CampaignOutcome) -> None:
    assert searched.sound, [entry.reason for entry in searched.state.runs]
    assert len(searched.state.runs) == (2 + 6) * len(PLACES)
    for entry in searched.state.runs:
        facts = read_record(searched.folder.run(entry.run or ""))
        assert {one.settings["max_num_seqs"] for one in facts.endpoints} == {entry.settings.get("max_num_seqs", 1)}


def test_its_page_its_data_and_its_files_say_the_same(searched: CampaignOutcome) -> None:
    render_campaign(searched.folder)
    report = orjson.loads(searched.folder.report_json.read_bytes())
    assert report["curve"] is None, "points of different settings are no curve"
    found = Tuned.model_validate(report["engine"])
    assert found.objective == "pareto"
    assert found.front is not None
    assert [[point.in_flight for point in one.points["final"]] for one in found.tries] == [PLACES, PLACES]
    page = (searched.folder.path / "report.md").read_text()
    assert "Points of the finalists" in page
    depends = found.outcome == "depends on the pace"
    assert (searched.folder.path / "best-1.yaml").exists() == depends
    audited = [
        one for one in audit_path(searched.folder.path).findings if one.rule in ("engine-search", "campaign-runs")
    ]
    assert {one.verdict for one in audited} == {Judgement.SUPPORTED}


def test_best_yaml_is_a_curve_that_runs_as_it_is(searched: CampaignOutcome) -> None:
    changed = ["campaign.curve.most=2", "campaign.curve.duration_s=1", f"output={searched.folder.path / 'again'}"]
    outcome = asyncio.run(run_campaign(load_config(searched.folder.path / "best.yaml", changed), Quiet()))
    assert outcome.sound
    assert {entry.key for entry in outcome.state.runs} >= {"1-in-flight-r0", "2-in-flight-r0"}
