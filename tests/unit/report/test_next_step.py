"""The next step of a campaign is one, whatever it asked: in the terminal, on its page and, of its only run, on that."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from tests.analysed import analysed
from tests.campaigns import config
from tests.command_blocks import read_call
from tests.rate_probes import begun, carry_on, search_config
from tests.synthetic import Node, Plan, write_campaign

from assay.analysis.run import analyse_run
from assay.analysis.summary import summarise
from assay.campaign.runner import CampaignOutcome
from assay.campaign.state import find, resumed_config
from assay.commands.outcome_text import outcome_text
from assay.config import dump_config
from assay.report.campaign_page import campaign_page
from assay.report.data import campaign_report_json
from assay.report.run_page import run_page
from assay.report.writer import page_markdown
from assay.runs import CampaignFolder, RunEntry, RunStatus, read_campaign, read_record, read_result, write_json
from assay.runs.campaign import CampaignKind
from assay.runs.record import ClientAudit
from assay.runs.shapes import ConcurrencyShape

ALONE = Plan(samples=40, nodes=(Node("node-a", slots=4),), chunks=False, telemetry=False)
OTHER = replace(ALONE, nodes=(Node("node-b", slots=4, speed=2.0),))
CAUSES = ("nothing", "client", "failed", "unfinished")
IN_FLIGHT = {"bench": 2, "tune-curve": 4}


def plans(kind: CampaignKind) -> dict[str, Plan]:
    if kind == "scaling":
        return {"a-r0": ALONE, "b-r0": OTHER, "both-r0": replace(ALONE, nodes=(*ALONE.nodes, *OTHER.nodes))}
    if kind == "sweep":
        return {f"server{qps}-r0": replace(ALONE, scenario="Server", qps=float(qps)) for qps in (2, 4)}
    if kind == "official":
        return {"offline-r0": replace(ALONE, official=True)}
    return {"load-r0": ALONE, "other-r0": replace(ALONE, seed=2)}


def searched(folder: Path, cause: str) -> CampaignFolder:
    """A search for a rate, whose client may be the limit, or which may not be over."""
    settings = search_config(folder)
    campaign, state = begun(settings)
    client_from = 20.0 if cause == "client" else 1e9
    carry_on(settings, campaign, state, most=2 if cause == "unfinished" else 100, client_from=client_from)
    return campaign


def measured(folder: Path, kind: CampaignKind, cause: str) -> CampaignFolder:
    """A campaign of any other kind."""
    campaign = write_campaign(folder, plans(kind), kind)
    state = read_campaign(campaign)
    for place, entry in enumerate(state.runs):
        if kind in IN_FLIGHT:
            entry.shape, entry.scenario = ConcurrencyShape(concurrency=IN_FLIGHT[kind] * 2**place), "Concurrency"
        if kind == "tune-engine":
            entry.stage, entry.start, entry.settings = "final", place, {"max_num_seqs": 256} if place else {}
        run = campaign.run(str(entry.run))
        record = read_record(run)
        record.shape, record.scenario = entry.shape, entry.scenario
        record.driver = "pacer" if kind in IN_FLIGHT else "loadgen"
        record.client = ClientAudit(client_bound=cause == "client")
        write_json(run.record, record)
        write_json(run.result, summarise(run))
    if cause == "unfinished":
        state.runs.append(state.runs[-1].model_copy(update={"key": "left", "run": None, "status": None}))
    write_json(campaign.state, state)
    campaign.config.write_text(dump_config(config(folder)))
    return campaign


def fail(campaign: CampaignFolder, entry: RunEntry) -> None:
    run = campaign.run(str(entry.run))
    entry.status, entry.reason = RunStatus.FAILED, "node-a is gone\nlast lines of its log"
    write_json(run.record, read_record(run).model_copy(update={"status": entry.status, "reason": entry.reason}))
    write_json(run.result, summarise(run))


def written(folder: Path, kind: CampaignKind, cause: str) -> CampaignFolder:
    campaign = searched(folder, cause) if kind == "tune-rate" else measured(folder, kind, cause)
    if cause == "failed":
        state = read_campaign(campaign)
        fail(campaign, state.runs[-1])
        write_json(campaign.state, state)
    return campaign


def on_page(folder: CampaignFolder) -> str:
    """And, with it, the report as data, where the terminal has it from."""
    analysis = analysed(folder)
    write_json(folder.report_json, campaign_report_json(analysis))
    return campaign_page(analysis).next_step


def in_terminal(folder: CampaignFolder) -> list[str]:
    state = read_campaign(folder)
    results = [read_result(folder.run(entry.run)) for entry in state.runs if entry.run]
    text = outcome_text(CampaignOutcome(folder, state, [one for one in results if one is not None]), 80)
    return [" ".join(part.split()) for part in text.split("\n\n") if part.startswith("Next:")]


@pytest.mark.parametrize("kind", get_args(CampaignKind))
@pytest.mark.parametrize("cause", CAUSES)
def test_terminal_and_page_tell_the_same_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: CampaignKind, cause: str
) -> None:
    folder = written(tmp_path, kind, cause)
    said = on_page(folder)
    assert in_terminal(folder) == ([said] if said else [])
    if not said:
        assert (kind, cause) == ("official", "nothing")
        return
    assert said.startswith("Next: ")
    assert said.endswith("` in the campaign's folder.")
    assay, *words = shlex.split(said.split("`")[1])
    assert assay == "assay"
    monkeypatch.chdir(folder.path)
    read_call(words)  # a file that it names is there
    wanted = {"client": "idle cores", "failed": "run again what failed", "unfinished": " --resume .`"}
    assert wanted.get(cause, "") in said


@pytest.mark.parametrize("cause", ["client", "failed"])
def test_a_campaigns_only_run_says_it_too(tmp_path: Path, cause: str) -> None:
    campaign = write_campaign(tmp_path, {"offline-r0": ALONE}, "single")
    campaign.config.write_text("scenarios: [Offline]\n")
    state = read_campaign(campaign)
    run = campaign.run("offline-r0")
    write_json(run.record, read_record(run).model_copy(update={"client": ClientAudit(client_bound=cause == "client")}))
    if cause == "failed":
        fail(campaign, state.runs[0])
        write_json(campaign.state, state)
    said = on_page(campaign)
    assert said
    assert run_page(analyse_run(run)).next_step == said


def test_a_command_is_as_typed_in_markdown(tmp_path: Path) -> None:
    page = campaign_page(analysed(written(tmp_path, "tune-curve", "nothing")))
    assert "`assay tune rate config.yaml --slo 'p99(ttft) < 2 s' --results ..`" in page_markdown(page)
    named = replace(page, next_step="Next: find out why <b> is silent: `assay run <x>` in the campaign's folder.")
    assert "Next: find out why &lt;b> is silent: `assay run <x>`" in page_markdown(named)
    odd = replace(page, next_step="Next: find out why `<b> is silent: `assay run <x>` in the campaign's folder.")
    assert "<" not in next(line for line in page_markdown(odd).splitlines() if line.startswith("Next: "))


def test_a_campaign_that_is_named_by_a_dot_goes_on_in_its_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = written(tmp_path, "single", "failed")
    for inside, which in ((campaign.path, "."), (campaign.runs, "..")):
        monkeypatch.chdir(inside)
        found = find(which, Path("elsewhere"))
        assert found.path == campaign.path
        assert resumed_config(found, None).output == tmp_path
