"""What a manifest that doesn't fit its folder says, and that nothing is said against one that does."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.audits import complaints
from tests.synthetic import Plan, write_campaign, write_run

from assay.analysis.summary import summarise
from assay.audit import AuditReport, Judgement, audit_path, render_text
from assay.report import render_campaign, render_run
from assay.runs import CampaignFolder, RunFolder, read_campaign, read_record, write_json, write_run_manifest
from assay.runs.campaign_manifest import close_manifest, open_manifest
from assay.runs.folder import MANIFEST

PLAN = Plan(samples=60)


def closed(folder: RunFolder, plan_sha256: str = "") -> RunFolder:
    write_json(folder.record, read_record(folder).model_copy(update={"has_manifest": True}))
    write_json(folder.result, summarise(folder))
    write_run_manifest(folder, plan_sha256)
    return folder


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return closed(write_run(tmp_path, PLAN))


@pytest.fixture
def campaign(tmp_path: Path) -> CampaignFolder:
    """Two repeats, closed."""
    folder = write_campaign(tmp_path, {f"offline-r{i}": Plan(samples=60, seed=i) for i in range(2)})
    open_manifest(folder)
    state = read_campaign(folder).model_copy(update={"has_manifest": True})
    write_json(folder.state, state)
    for name in ("offline-r0", "offline-r1"):
        closed(folder.run(name), state.plan_sha256)
    close_manifest(folder, state)
    return folder


def found(report: AuditReport, rule: str) -> list[tuple[Judgement, str]]:
    return [(f.verdict, f"{f.statement}: {f.arithmetic}") for f in report.problems if f.rule == rule]


def write(name: str, text: str = "another") -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(text)


RUN_FORGERIES: dict[str, tuple[Judgement, str, Callable[[Path], object]]] = {
    "a log is another": (Judgement.CONTRADICTED, "mlperf_log_summary.txt", write("mlperf_log_summary.txt")),
    "a file is gone": (Judgement.UNSUPPORTED, "system.json", lambda folder: (folder / "system.json").unlink()),
    "a file is new": (Judgement.UNSUPPORTED, "notes.txt", write("notes.txt")),
    "a file is a folder's link": (
        Judgement.UNSUPPORTED, "elsewhere", lambda folder: (folder / "elsewhere").symlink_to("/"),
    ),
    "the manifest is gone": (Judgement.UNSUPPORTED, MANIFEST, lambda folder: (folder / MANIFEST).unlink()),
    "the manifest is damaged": (Judgement.CONTRADICTED, MANIFEST, write(MANIFEST, "{")),
}  # fmt: skip


@pytest.mark.parametrize("kind", RUN_FORGERIES)
def test_what_isnt_as_it_was_is_a_finding_that_names_it(run: RunFolder, kind: str) -> None:
    verdict, name, forge = RUN_FORGERIES[kind]
    assert complaints(audit_path(run.path)) == []
    forge(run.path)
    ((said, words),) = found(audit_path(run.path), "manifest")
    assert said is verdict
    assert name in words


def test_a_closed_run_is_clean_rendered_and_rendered_again(run: RunFolder) -> None:
    for _ in range(2):
        render_run(run)
        run.report_log.write_text("a page that couldn't be made")
        (run.path / ".report.html.ab12_xyz").write_text("what a kill leaves of a page")
        report = audit_path(run.path)
        assert complaints(report) == []
        assert report.manifest.endswith("files that it names are as they were closed")
    digest = json.loads((run.path / "report.json").read_bytes())["manifest_sha256"]
    assert len(digest) == 64
    assert f"manifest.json, SHA-256 {digest}" in (run.path / "report.md").read_text()


def test_a_changed_run_has_no_headline(run: RunFolder) -> None:
    run.loadgen_summary.write_text(run.loadgen_summary.read_text() + "\n")
    render_run(run)
    assert "not reportable" in (run.path / "report.md").read_text()


def test_a_run_from_before_manifests_is_clean_and_said_to_have_none(tmp_path: Path) -> None:
    folder = write_run(tmp_path, PLAN)
    write_json(folder.result, summarise(folder))
    report = audit_path(folder.path)
    assert complaints(report) == []
    assert "manifest: none: this was made before manifests were written" in render_text(report)
    render_run(folder)
    assert "There is no manifest.json" in (folder.path / "report.md").read_text()


def test_a_run_that_is_being_closed_is_not_asked_for_its_manifest(run: RunFolder) -> None:
    run.manifest.unlink()
    run.parts.mkdir()
    report = audit_path(run.path)
    assert complaints(report) == []
    assert report.manifest == ""


def drop_a_repeat(campaign: Path) -> None:
    state = json.loads((campaign / "campaign.json").read_bytes())
    shutil.rmtree(campaign / "runs" / state["runs"].pop()["run"])
    (campaign / "campaign.json").write_text(json.dumps(state))


def exchange(campaign: Path) -> None:
    run = RunFolder(campaign / "runs" / "offline-r0")
    run.system.write_text('{"version": 1}')
    write_run_manifest(run, read_campaign(CampaignFolder(campaign)).plan_sha256)


def of_another_campaign(campaign: Path) -> None:
    """A run with its true manifest, and a campaign's manifest that somebody wrote for it."""
    run, own = RunFolder(campaign / "runs" / "offline-r0"), CampaignFolder(campaign)
    write_run_manifest(run, "0" * 64)
    made = json.loads(own.manifest.read_bytes())
    own.manifest.unlink()
    open_manifest(own)
    close_manifest(own, read_campaign(own))
    write_json(own.manifest, json.loads(own.manifest.read_bytes()) | {"plans": made["plans"]})


CAMPAIGN_FORGERIES: dict[str, tuple[set[str], Callable[[Path], object]]] = {
    "a run is deleted": ({"runs/offline-r1"}, lambda folder: shutil.rmtree(folder / "runs" / "offline-r1")),
    "a run is added": (
        {"runs/offline-r2"}, lambda folder: shutil.copytree(folder / "runs" / "offline-r1", folder / "runs/offline-r2"),
    ),
    "a repeat is dropped from the plan": ({"runs/offline-r1", "campaign.json"}, drop_a_repeat),
    "a run is exchanged": ({"runs/offline-r0/manifest.json"}, exchange),
    "a run is another campaign's": ({"runs/offline-r0"}, of_another_campaign),
    "a run's manifest is gone": (
        {"runs/offline-r0/manifest.json"}, lambda folder: (folder / "runs/offline-r0" / MANIFEST).unlink(),
    ),
    "the configuration is another": ({"config.yaml"}, write("config.yaml")),
    "the manifest is gone": ({MANIFEST}, lambda folder: (folder / MANIFEST).unlink()),
}  # fmt: skip


@pytest.mark.parametrize("kind", CAMPAIGN_FORGERIES)
def test_what_isnt_the_campaigns_is_a_finding_that_names_it(campaign: CampaignFolder, kind: str) -> None:
    names, forge = CAMPAIGN_FORGERIES[kind]
    assert complaints(audit_path(campaign.path)) == []
    forge(campaign.path)
    words = [words for _, words in found(audit_path(campaign.path), "campaign-manifest")]
    assert len(words) == len(names)
    assert all(any(name in said for said in words) for name in names), words


def test_the_campaigns_page_prints_its_digest_and_what_isnt_as_it_was(campaign: CampaignFolder) -> None:
    digest = audit_path(campaign.path).manifest.split()[1].rstrip(";")
    render_campaign(campaign)
    page = (campaign.path / "report.md").read_text()
    assert f"sha256 {digest}; all " in page
    assert json.loads(campaign.report_json.read_bytes())["manifest_sha256"] == digest
    assert complaints(audit_path(campaign.path)) == []
    shutil.rmtree(campaign.run("offline-r1").path)
    render_campaign(campaign)
    assert (
        "The campaign isn't as it was closed.** runs/offline-r1: missing" in (campaign.path / "report.md").read_text()
    )


def test_the_files_of_an_interrupted_try_are_held_against_its_manifest(campaign: CampaignFolder) -> None:
    state = read_campaign(campaign)
    open_manifest(campaign)
    state.runs[1].earlier, state.runs[1].run = ["offline-r1"], None
    write_json(campaign.state, state)
    close_manifest(campaign, state)
    assert complaints(audit_path(campaign.path)) == []
    campaign.run("offline-r1").ledger.write_text("{}")
    assert found(audit_path(campaign.path), "campaign-manifest") == [
        (
            Judgement.CONTRADICTED,
            f"runs/offline-r1/ledger.json is as it was closed: its SHA-256 isn't the one in {MANIFEST}",
        )
    ]
