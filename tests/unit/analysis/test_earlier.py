"""What changed since the last campaign of the same kind, from its small files alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.synthetic import Node, Plan, write_campaign

from assay.analysis import summarise
from assay.analysis.campaign import CampaignAnalysis, analyse_campaign, run_line
from assay.analysis.run import analyse_run
from assay.analysis.summary import CLIENT_BOUND
from assay.report.campaign_answer import campaign_answer
from assay.report.campaign_page import campaign_page
from assay.report.page import Table, Text
from assay.runs import CampaignFolder, read_campaign, read_record, read_result, write_json

PLAN = Plan(samples=400, nodes=(Node("node-a"),), chunks=False, telemetry=False)


def campaign(parent: Path, day: int, plan: Plan = PLAN, repeats: int = 1, name: str = "nightly") -> CampaignFolder:
    """A closed campaign of one load, begun on a day of January 2026."""
    plans = {f"offline-r{turn}": replace(plan, seed=plan.seed + turn) for turn in range(repeats)}
    folder = write_campaign(parent, plans, "single", f"202601{day:02}T000000Z-single-00000000")
    for entry in (state := read_campaign(folder)).runs:
        run = folder.run(entry.run or "")
        write_json(run.result, summarise(run))
    changes = {"name": name, "started_utc": f"2026-01-{day:02}T00:00:00Z"}
    write_json(folder.state, state.model_copy(update=changes))
    return folder


def analysed(folder: CampaignFolder) -> CampaignAnalysis:
    runs = read_campaign(folder).runs
    analysis = analyse_campaign(folder, [run_line(run, analyse_run(folder.run(run.run or ""))) for run in runs])
    assert analysis is not None
    return analysis


def test_a_slower_node_and_another_setting_are_told(tmp_path: Path) -> None:
    campaign(tmp_path, 1)
    now = campaign(tmp_path, 2, replace(PLAN, nodes=(Node("node-a", speed=0.7, slots=12),)))
    analysis = analysed(now)
    assert analysis.since_last is not None
    assert analysis.since_last.started_utc == "2026-01-01T00:00:00Z"
    (load,) = analysis.since_last.loads
    words = {change.quantity: change.words for change in load.changes}
    assert words["Output tokens/s"] == words["TPOT, median"] == "worse"
    assert {(d.fact, d.baseline, d.other) for d in analysis.since_last.differences} == {
        ("endpoint node-a-0.settings.max_num_seqs", "16", "12"),
        ("endpoint node-a-0.window", "16", "12"),
    }
    sentence = campaign_answer(analysis)[-1]
    assert sentence.startswith("Against the last one here, of 1 Jan 2026, 00:00:00 UTC: Output tokens/s 0.")
    assert "worse" in sentence
    assert "max_num_seqs (16, now 12)" in sentence
    (section,) = [section for section in campaign_page(analysis).sections if section.id == "since-last"]
    changes, differing = [block for block in section.blocks if isinstance(block, Table)]
    assert [row[1] for row in changes.rows] == [change.quantity for change in load.changes]
    assert len(differing.rows) == 2


def test_the_same_again_shows_no_difference(tmp_path: Path) -> None:
    campaign(tmp_path, 1, repeats=3)
    analysis = analysed(campaign(tmp_path, 2, replace(PLAN, seed=7), repeats=3))
    assert analysis.since_last is not None
    assert {change.words for change in analysis.since_last.loads[0].changes} == {"no difference shown"}
    sentence = campaign_answer(analysis)[-1]
    assert "no difference shown beyond noise in 3 comparisons; Output tokens/s " in sentence
    assert sentence.endswith("settings, versions and hardware are the same as far as recorded.")


def test_a_ratio_without_an_interval_is_not_told_as_noise(tmp_path: Path) -> None:
    """A run of three answers against one of all: over 1,000 times the rate was "no difference shown beyond noise"."""
    campaign(tmp_path, 1, replace(PLAN, samples=3))
    analysis = analysed(campaign(tmp_path, 2))
    assert analysis.since_last is not None
    assert {change.low for change in analysis.since_last.loads[0].changes} == {None}
    sentence = campaign_answer(analysis)[-1]
    assert "too few samples to show any difference in 3 comparisons; Output tokens/s " in sentence
    assert "noise" not in sentence


def test_the_newest_earlier_one_of_the_same_name_is_taken(tmp_path: Path) -> None:
    for day, name in ((1, "nightly"), (2, "nightly"), (3, "other"), (5, "nightly")):
        campaign(tmp_path, day, name=name)
    found = analysed(campaign(tmp_path, 4)).since_last
    assert found is not None
    assert found.started_utc == "2026-01-02T00:00:00Z"


@pytest.mark.parametrize("unlike", ["nodes", "data", "samples", "damaged", "no result"])
def test_what_measured_something_else_or_cant_be_read_is_passed_over(tmp_path: Path, unlike: str) -> None:
    campaign(tmp_path, 1)
    plan = replace(PLAN, nodes=(Node("node-b"),)) if unlike == "nodes" else PLAN
    between = campaign(tmp_path, 2, plan)
    run = between.run("offline-r0")
    if unlike == "samples":
        write_json(run.record, read_record(run).model_copy(update={"samples": 20}))
    elif unlike == "data":
        write_json(run.record, read_record(run).model_copy(update={"dataset_sha256": "1" * 64}))
    elif unlike == "damaged":
        run.result.write_text("{")
    elif unlike == "no result":
        run.result.unlink()
    found = analysed(campaign(tmp_path, 3)).since_last
    assert found is not None
    assert found.started_utc == "2026-01-01T00:00:00Z"


def test_the_first_one_says_that_there_is_none(tmp_path: Path) -> None:
    analysis = analysed(campaign(tmp_path, 1))
    assert analysis.since_last is None
    (section,) = [section for section in campaign_page(analysis).sections if section.id == "since-last"]
    (block,) = section.blocks
    assert isinstance(block, Text)
    assert block.text.startswith("There is no earlier campaign")


def test_a_client_bound_last_one_is_told(tmp_path: Path) -> None:
    last = campaign(tmp_path, 1)
    now = campaign(tmp_path, 2)
    words = "so what differs may not be the server's."
    assert not campaign_answer(analysed(now))[-1].endswith(words)
    result = read_result(last.run("offline-r0"))
    assert result is not None
    write_json(last.run("offline-r0").result, result.model_copy(update={"notices": [f"{CLIENT_BOUND}: late"]}))
    assert campaign_answer(analysed(now))[-1].endswith(f"; the last one was client-bound, {words}")


def test_no_samples_of_the_earlier_one_are_read(tmp_path: Path) -> None:
    earlier = campaign(tmp_path, 1)
    earlier.run("offline-r0").requests.unlink()
    assert analysed(campaign(tmp_path, 2)).since_last is not None


def test_from_within_its_own_folder_it_finds_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign(tmp_path, 1)
    now = campaign(tmp_path, 2)
    monkeypatch.chdir(now.path)
    assert analysed(CampaignFolder(Path())).since_last is not None
