"""A comparison says what became of all samples, what would decide it or tell the cause, and how it is made again."""

from __future__ import annotations

import math
import os
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.synthetic import Node, Plan, write_campaign

from assay.analysis.campaign_compare import CampaignMeasured, compare_campaigns
from assay.analysis.changes import Change
from assay.analysis.compare import compare
from assay.analysis.run import analyse_run
from assay.analysis.summary import summarise
from assay.commands.main import main
from assay.config import load_config
from assay.report.compare_campaigns_page import compare_campaigns_page
from assay.report.compare_next import side_names
from assay.report.compare_page import compare_page
from assay.report.page import Page, Text
from assay.runs import CampaignFolder, RunFolder, read_campaign, read_record, write_json
from assay.runs.record import ClientAudit

PLAN = Plan(samples=200, nodes=(Node("node-a", slots=4),), chunks=False, telemetry=False)
SERVER = replace(PLAN, scenario="Server", qps=2.0, samples=100)


def campaign(parent: Path, identity: str, *plans: Plan) -> CampaignFolder:
    named = {f"load-r{turn}": plan for turn, plan in enumerate(plans)}
    folder = write_campaign(parent / identity, named, "single", identity)
    for entry in read_campaign(folder).runs:
        run = RunFolder(folder.runs / str(entry.run))
        write_json(run.result, summarise(run))
        run.config.write_text("scenarios: [Offline]\n")
    folder.config.write_text("scenarios: [Offline]\n")
    return folder


def of_campaigns(beside: Path, *folders: CampaignFolder) -> Page:
    campaigns = [CampaignMeasured(folder) for folder in folders]
    return compare_campaigns_page(campaigns, compare_campaigns(campaigns), beside)


def of_runs(beside: Path, *folders: CampaignFolder) -> Page:
    runs = [analyse_run(folder.run("load-r0")) for folder in folders]
    return compare_page(runs, compare(runs), beside)


def commands(words: str) -> list[list[str]]:
    return [shlex.split(part) for part in words.split("`")[1::2]]


@pytest.mark.parametrize("page", [of_runs, of_campaigns])
def test_both_sides_are_counted_and_can_be_measured_again(tmp_path: Path, page: type[Page]) -> None:
    base, other = (campaign(tmp_path, name, plan) for name, plan in
                   (("base", PLAN), ("other", replace(PLAN, seed=2, failed=3, lost=1))))  # fmt: skip
    beside = tmp_path / "compared"
    beside.mkdir()
    found = page(beside, base, other)
    samples = "Samples of the baseline: all 200 answered; of the other: 196 of 200 answered, 3 failed, 1 lost."
    assert samples in found.answer
    *_, compared, again = found.sections
    assert compared.blocks[0].columns[1:3] == ("Ran on", "Samples")  # type: ignore[union-attr]
    assert "1 accelerator (Synthetic GPU 80GB)" in compared.blocks[0].rows[0][1]  # type: ignore[union-attr]
    texts = [block.text for block in again.blocks if isinstance(block, Text)]
    assert len(texts) == 3
    for words, folder in zip(texts, (base, other), strict=False):
        (command,) = commands(words)
        assert command[:2] == ["assay", "run"]
        assert os.path.normpath(beside / command[4]) == str(folder.path.parent)
        load_config(beside / command[2])
    ((_, _, first, second, *_),) = commands(texts[-1])
    assert str(folder.path) in os.path.normpath(beside / second)
    assert str(base.path) in os.path.normpath(beside / first)


def test_several_others_are_told_to_be_compared_one_by_one(tmp_path: Path) -> None:
    folders = [campaign(tmp_path, name, replace(PLAN, seed=seed)) for seed, name in enumerate(("base", "one", "two"))]
    for page in (of_runs, of_campaigns):
        assert page(tmp_path, *folders).next_step == (
            "Next: `assay compare` with the baseline and one other says what would decide those two, or tell the cause."
        )


def test_what_is_shown_to_differ_leads_to_its_cause(tmp_path: Path) -> None:
    fast = replace(PLAN, nodes=(Node("node-a", slots=4, speed=2.0),))
    base, other = campaign(tmp_path, "base", PLAN), campaign(tmp_path, "other", fast)
    assert of_runs(tmp_path, base, other).next_step.startswith("Next: the baseline once more shows whether ")
    for place, folder in enumerate((base, other)):
        folder.run("load-r0").config.write_text(f"load: {{workers: {place + 1}, max_attempts: {place + 2}}}\n")
    words = of_runs(tmp_path, base, other).next_step
    assert words.startswith("Next: 2 recorded facts differ, so which of them is the cause isn't shown; measure the ")
    ((*_, config, _, _, option, setting),) = commands(words)
    assert option == "--set"
    assert load_config(base.path / config, [setting]).load.max_attempts == 3


def test_no_setting_is_named_where_none_tells_the_cause(tmp_path: Path) -> None:
    fast = replace(PLAN, nodes=(Node("node-a", slots=5, speed=2.0),))
    base, other = campaign(tmp_path, "base", PLAN), campaign(tmp_path, "other", fast)
    words = of_runs(tmp_path, base, other).next_step
    told = (
        "Next: 2 recorded facts differ, so which of them is the cause isn't shown; the baseline once more shows whether"
    )
    assert words.startswith(told)
    assert "--set" not in words


def test_what_isnt_decided_leads_to_as_many_repeats_as_would_show_it(tmp_path: Path) -> None:
    base, other = (campaign(tmp_path, name, replace(SERVER, seed=seed)) for seed, name in enumerate("ab"))
    words = of_campaigns(tmp_path, base, other).next_step
    assert words.startswith("Next: ")
    if "repeats" in words:
        again, _ = commands(words)
        assert again[-1].startswith("campaign.repeats=")
        assert load_config(other.path / again[2], again[-1:]).campaign.repeats >= 3


def test_a_client_that_shaped_figures_comes_before_their_difference(tmp_path: Path) -> None:
    fast = replace(PLAN, nodes=(Node("node-a", slots=4, speed=2.0),))
    base, other = campaign(tmp_path, "base", PLAN), campaign(tmp_path, "other", fast)
    (run,) = (other.run(str(entry.run)) for entry in read_campaign(other).runs)
    write_json(run.record, read_record(run).model_copy(update={"client": ClientAudit(client_bound=True)}))
    write_json(run.result, summarise(run))
    for page in (of_runs, of_campaigns):
        words = page(tmp_path, base, other).next_step
        assert words.startswith("Next: give the load generator idle cores, or a machine of its own, so that ")
        assert words.endswith("` in the folder of each campaign, then `assay compare` with those that it makes.")
        assert commands(words)[0] == ["assay", "run", "config.yaml", "--output", ".."]


@pytest.mark.parametrize("of", ["runs", "campaigns"])
def test_the_terminal_says_the_pages_next_step(tmp_path: Path, of: str) -> None:
    fast = replace(PLAN, nodes=(Node("node-a", slots=4, speed=2.0),))
    folders = campaign(tmp_path, "base", PLAN), campaign(tmp_path, "other", fast)
    paths = [folder.path if of == "campaigns" else folder.run("load-r0").path for folder in folders]
    told = CliRunner().invoke(main, ["compare", *map(str, paths), "--output", str(tmp_path / "out")])
    page = (tmp_path / "out/report.md").read_text()
    (step,) = (line for line in page.splitlines() if line.startswith("Next: "))
    assert f" {step} answer: " in " ".join(told.stdout.split())
    alone = CliRunner().invoke(main, ["compare", *map(str, paths)])
    assert alone.stdout == told.stdout, "wherever the page is"


def change(ratio: float, reach: float) -> Change:
    return Change(
        quantity="TTFT, median", unit="ms", better="lower", baseline=1, other=ratio, paired=0, decisive=True,
        ratio=ratio, low=ratio * math.exp(-reach), high=ratio * math.exp(reach),
    )  # fmt: skip


def test_repeats_that_would_show_a_ratio() -> None:
    twice_too_wide = change(1.1, 2 * math.log(1.1))
    assert twice_too_wide.repeats_to_show(3) == 3 * 4 + 1
    assert change(1.1, 0.5 * math.log(1.1)).repeats_to_show(3) is None, "it is decided"
    assert change(1.0, 0.1).repeats_to_show(3) is None
    assert twice_too_wide.model_copy(update={"low": None}).repeats_to_show(3) is None


def test_several_are_called_by_what_tells_them_apart() -> None:
    morning, noon = ("single campaign sim, 28 Nov 2026, 09:00:00 UTC", "single campaign sim, 28 Nov 2026, 12:00:00 UTC")
    other = "sweep campaign sim, 28 Nov 2026, 09:00:00 UTC"
    assert side_names([morning, noon]) == ["the baseline", "the other"]
    assert side_names([morning, noon, noon]) == ["the baseline", "that of 12:00:00 UTC", "that of 12:00:00 UTC"]
    assert side_names([morning, noon, other]) == ["the baseline", noon, other]
    assert side_names([noon, noon, noon]) == ["the baseline", noon, noon]
