"""That an answer of any kind names the loads whose figures the load generator could have shaped."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.analysed import analysed
from tests.synthetic import Node, Plan, write_campaign, write_run

from assay.analysis.campaign_compare import CampaignMeasured, compare_campaigns
from assay.analysis.compare import compare
from assay.analysis.run import analyse_run
from assay.analysis.summary import summarise
from assay.report.campaign_answer import campaign_answer
from assay.report.client_shaped import client_shaped_words
from assay.report.compare_campaigns_page import compare_campaigns_page
from assay.report.compare_page import compare_page
from assay.report.index_page import index_page
from assay.report.page import Page, Table
from assay.report.render import render_campaign, render_run
from assay.report.run_answer import run_answer
from assay.report.run_page import RANDOM_WEIGHTS
from assay.runs import CampaignFolder, RunFolder, read_campaign, read_record, write_json
from assay.runs.index import Filter, index
from assay.runs.scenarios import Mode

PLAN = Plan(samples=60, chunks=False, telemetry=False)
NODES = {"node-a-r0": (Node("node-a"),), "node-b-r0": (Node("node-b"),), "both-r0": (Node("node-a"), Node("node-b"))}


def doubt(run: RunFolder) -> None:
    record = read_record(run)
    record.client.client_bound, record.client.reasons = True, ["worker-0 used 99 % of a core"]
    write_json(run.record, record)


def said(parent: Path, kind: str, doubted: Collection[str]) -> list[str]:
    folder = write_campaign(parent, {key: Plan(**(vars(PLAN) | {"nodes": own})) for key, own in NODES.items()}, kind)
    for key in doubted:
        doubt(folder.run(key))
    return [words for words in campaign_answer(analysed(folder)) if words.startswith("Client-bound: ")]


@pytest.mark.parametrize("kind", ["scaling", "single", "bench"])
def test_every_answer_names_the_loads_that_the_client_could_have_shaped(tmp_path: Path, kind: str) -> None:
    assert not said(tmp_path / "none", kind, [])
    (some,) = said(tmp_path / "one", kind, ["node-b-r0"])
    assert "the figures of node-b; they don't say what the server can do." in some
    (every,) = said(tmp_path / "all", kind, list(NODES))
    assert "could have shaped all of these figures; " in every


def test_of_a_search_through_settings_the_finals_that_decide_are_named_before_others(tmp_path: Path) -> None:
    stages = ("short", "short", "longer", "longer", "final")
    plans = {f"offline{place}-r0": replace(PLAN, nodes=NODES["node-a-r0"]) for place in range(6)}
    folder = write_campaign(tmp_path, plans, "tune-engine")
    state = read_campaign(folder)
    for place, (entry, stage) in enumerate(zip(state.runs, stages, strict=False)):
        entry.stage, entry.settings = stage, {"max_num_seqs": place}
        doubt(folder.run(str(entry.run)))
    write_json(folder.state, state)
    (words,) = client_shaped_words(analysed(folder))
    assert "shaped the figures of max_num_seqs 4 (final), " in words


@pytest.mark.parametrize("mode", ["performance", "accuracy"])
def test_a_runs_own_answer_says_it_of_its_speed(tmp_path: Path, mode: Mode) -> None:
    run = write_run(tmp_path, replace(PLAN, nodes=NODES["node-a-r0"], mode=mode))
    words = "Client-bound: the load generator could have shaped these figures; they don't say what the server can do."
    assert words not in run_answer(analyse_run(run), refused=False)
    doubt(run)
    assert (words in run_answer(analyse_run(run), refused=False)) is (mode == "performance")


def measured(parent: Path, identity: str, doubted: Collection[str]) -> CampaignFolder:
    plans = {key: replace(PLAN, nodes=NODES["node-a-r0"], scenario=scenario) for key, scenario in
             (("offline-r0", "Offline"), ("offline-r1", "Offline"), ("single-r0", "SingleStream"))}  # fmt: skip
    folder = write_campaign(parent / identity, plans, "single", identity)
    for key in plans:
        if key in doubted:
            doubt(folder.run(key))
        write_json(folder.run(key).result, summarise(folder.run(key)))
    return folder


def compared(folders: Sequence[CampaignFolder], beside: Path) -> Page:
    campaigns = [CampaignMeasured(folder) for folder in folders]
    return compare_campaigns_page(campaigns, compare_campaigns(campaigns), beside)


@pytest.mark.parametrize(
    ("of_base", "of_other", "which"),
    [
        ([], ["offline-r1"], "the figures of the other at Offline"),
        (
            ["single-r0"],
            ["offline-r0", "single-r0"],
            "the figures of the baseline at SingleStream and of the other at every load",
        ),
        (["offline-r1", "single-r0"], ["offline-r0", "single-r0"], "all of these figures"),
    ],
)
def test_compared_campaigns_name_whose_loads(
    tmp_path: Path, of_base: list[str], of_other: list[str], which: str
) -> None:
    """A load is doubted by any of its repeats; what shaped it is told once for each campaign."""
    page = compared([measured(tmp_path, "base", of_base), measured(tmp_path, "other", of_other)], tmp_path)
    words = f"Client-bound: the load generator could have shaped {which}; what differs may not be the server's."
    assert words in page.answer
    assert "client-bound" in page.banner
    told = [
        problem
        for problem in page.problems
        if problem.title.endswith(": the load generator could have shaped the result.")
    ]
    assert len(told) == bool(of_base) + bool(of_other)
    assert told[-1].title.startswith("The other, ")
    assert told[-1].text.endswith(": worker-0 used 99 % of a core.")


def test_compared_runs_name_whose_figures(tmp_path: Path) -> None:
    folders = [measured(tmp_path, name, doubted) for name, doubted in (("base", []), ("other", ["single-r0"]))]

    def answer(key: str) -> list[str]:
        runs = [analyse_run(folder.run(key)) for folder in folders]
        return compare_page(runs, compare(runs), tmp_path).answer

    words = "Client-bound: the load generator could have shaped the figures of the other; "
    assert any(sentence.startswith(words) for sentence in answer("single-r0"))
    assert not any("Client-bound" in sentence for sentence in answer("offline-r0"))


@pytest.mark.parametrize("doubted", [[], ["offline-r1"]])
def test_the_index_says_it_beside_the_campaigns_answer(tmp_path: Path, doubted: Collection[str]) -> None:
    render_campaign(measured(tmp_path, "first", doubted))
    rows, _ = index(tmp_path / "first", Filter())
    (told,) = index_page(rows, tmp_path).sections[0].blocks
    assert isinstance(told, Table)
    assert ("; client-bound; simulated endpoints" in str(told.rows[0][3])) is bool(doubted)


@pytest.mark.parametrize("load_format", ["dummy", "auto"])
def test_random_weights_are_told_beside_the_title_of_every_page_and_in_the_index(
    tmp_path: Path, load_format: str
) -> None:
    folder = measured(tmp_path, "first", [])
    runs = [folder.run(entry.run) for entry in read_campaign(folder).runs if entry.run]
    for run in runs:
        record = read_record(run)
        record.endpoints[0].settings["load_format"] = load_format
        write_json(run.record, record)
    pages = [path.read_text() for path in (render_run(runs[0]), render_campaign(folder))]
    rows, _ = index(tmp_path / "first", Filter())
    (told,) = index_page(rows, tmp_path).sections[0].blocks
    assert isinstance(told, Table)
    strips = [page.partition("<h1")[0].partition("<body")[2] for page in pages]
    assert [RANDOM_WEIGHTS in words for words in (*strips, str(told.rows[0][3]))] == [load_format == "dummy"] * 3
