"""The manifests of a real campaign: true after every way to go on with it, and never a cover for what somebody did."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest
from tests.campaigns import FAST, Quiet, config, reopen

from assay.audit import audit_path
from assay.campaign.runner import resume_campaign, run_campaign
from assay.campaign.state import resumed_config
from assay.errors import UserError
from assay.report import CampaignPages
from assay.runs import CampaignFolder, RunFolder, RunStatus, read_campaign, write_json
from assay.runs.campaign_manifest import check_all, check_campaign, read_campaign_manifest
from assay.runs.folder import MANIFEST


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> CampaignFolder:
    """Two runs, rendered."""
    folder = tmp_path_factory.mktemp("campaign")
    one = {"nodes": [{"name": "node-a"}]}
    settings = config(folder, modes=["performance", "accuracy"], engine={**FAST, "speeds": {}}, cluster=one)
    return asyncio.run(run_campaign(settings, Quiet())).folder


@pytest.fixture
def campaign(original: CampaignFolder, tmp_path: Path) -> CampaignFolder:
    shutil.copytree(original.path, tmp_path / original.path.name)
    return CampaignFolder(tmp_path / original.path.name)


def resume(campaign: CampaignFolder, *, retry_failed: bool = False) -> None:
    asyncio.run(resume_campaign(resumed_config(campaign, None), campaign, Quiet(), retry_failed=retry_failed))


def runs(campaign: CampaignFolder) -> list[RunFolder]:
    return [RunFolder(path) for path in sorted(campaign.runs.iterdir())]


def objections(campaign: CampaignFolder) -> set[str]:
    """Of the rules about what belongs to a campaign; the others' are about what this machine did meanwhile."""
    about = {"manifest", "campaign-manifest", "campaign-runs", "official-data"}
    return about & {finding.rule for finding in audit_path(campaign.path).problems}


def test_every_file_is_named_but_what_is_rendered_and_what_servers_write(campaign: CampaignFolder) -> None:
    assert check_all(campaign) == []
    assert objections(campaign) == set()
    manifest = read_campaign_manifest(campaign)
    assert manifest is not None
    assert manifest.closed
    assert {"campaign.json", "config.yaml", "benchmark.json", "endpoints/node-a.log"} <= manifest.files.keys()
    assert manifest.runs.keys() == {run.id for run in runs(campaign)}
    for run in runs(campaign):
        own = json.loads(run.manifest.read_bytes())
        there = {path.relative_to(run.path).as_posix() for path in run.path.rglob("*") if path.is_file()}
        rendered = {name for name in there if name.startswith("charts/") or name.partition(".")[0] == "report"}
        assert own["files"].keys() == there - rendered - {MANIFEST, "findings.json"}
        assert {"report.html", "charts/"} <= set(own["rendered"])
        assert own["plan_sha256"] == manifest.plans[-1] == read_campaign(campaign).plan_sha256


def test_rendering_again_changes_no_manifest(campaign: CampaignFolder) -> None:
    before = {path: path.read_bytes() for path in campaign.path.rglob(MANIFEST)}
    pages = CampaignPages(campaign)
    for entry in pages.started:
        pages.render_run(entry)
    pages.render()
    assert {path: path.read_bytes() for path in campaign.path.rglob(MANIFEST)} == before
    assert check_all(campaign) == []


def test_a_page_that_cannot_be_made_changes_no_file_that_a_manifest_names(
    campaign: CampaignFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for run in runs(campaign):
        run.report.unlink()
    monkeypatch.setattr("assay.report.render.run_page", lambda *_: 1 / 0)
    resume(campaign)
    assert all("ZeroDivisionError" in run.report_log.read_text() for run in runs(campaign))
    assert check_all(campaign) == []


def test_what_is_measured_later_joins_the_manifest(campaign: CampaignFolder) -> None:
    before = read_campaign_manifest(campaign)
    state = read_campaign(campaign)
    left = [entry.model_copy(update={"key": "more", "run": None, "status": None}) for entry in state.runs[:1]]
    reopen(campaign)
    write_json(campaign.state, state.model_copy(update={"runs": [*state.runs, *left]}))
    resume(campaign)
    after = read_campaign_manifest(campaign)
    assert before is not None
    assert after is not None
    assert len(after.runs) == len(before.runs) + 1
    assert after.runs.items() >= before.runs.items()
    assert len(after.plans) == 2
    assert check_all(campaign) == []
    assert not objections(campaign) & {"manifest", "campaign-manifest"}


def test_a_killed_controllers_manifest_is_open_and_still_guards_the_runs_that_ended(campaign: CampaignFolder) -> None:
    reopen(campaign)
    assert check_all(campaign) == []
    assert not check_campaign(campaign).closed
    first, second = runs(campaign)
    shutil.rmtree(first.path)
    second.manifest.unlink()
    assert check_campaign(campaign).missing == [f"runs/{first.id}", f"runs/{second.id}/{MANIFEST}"]


def test_going_on_hides_no_run_that_was_deleted(campaign: CampaignFolder) -> None:
    first = runs(campaign)[0]
    shutil.rmtree(first.path)
    resume(campaign)
    state = read_campaign(campaign)
    assert all(entry.status is RunStatus.COMPLETED for entry in state.runs)
    assert check_all(campaign) == [f"runs/{first.id}: missing"]
    assert objections(campaign) == {"campaign-manifest"}


def test_going_on_hides_no_run_that_was_exchanged(campaign: CampaignFolder) -> None:
    first = runs(campaign)[0]
    first.driver_log.write_text("another")
    own = json.loads(first.manifest.read_bytes())
    own["files"][first.driver_log.name] = "0" * 64
    write_json(first.manifest, own)
    resume(campaign)
    assert f"runs/{first.id}/{MANIFEST}: changed" in check_all(campaign)


@pytest.mark.parametrize("name", ["campaign.json", "config.yaml", "endpoints/node-a.log"])
def test_going_on_with_a_campaign_whose_own_files_were_changed_is_refused(campaign: CampaignFolder, name: str) -> None:
    path = campaign.path / name
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(UserError, match=f"isn't as it was closed.*{name}: changed; restore"):
        resume(campaign)
    assert f"{name}: changed" in check_all(campaign)
