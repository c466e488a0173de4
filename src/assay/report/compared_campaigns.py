"""The campaigns that a comparison is of: what they are called, where their pages are, what limits belief."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from assay.analysis.campaign_compare import CampaignComparison, CampaignMeasured
from assay.analysis.listing import names
from assay.analysis.scaling import Efficiency
from assay.analysis.summary import CLIENT_BOUND, shaped_by_client
from assay.errors import UserError
from assay.report import format as fmt
from assay.report.became import became_words
from assay.report.client_shaped import shaped_sides_words
from assay.report.machines import hardware_words, nodes_of
from assay.report.page import Problem, Rows, Table
from assay.report.run_page import verdict_reasons
from assay.runs.campaign import CampaignFolder, campaign_title
from assay.runs.stored import read_object

_SHAPED = "the load generator could have shaped the result"


def campaign_names(campaigns: Sequence[CampaignMeasured]) -> dict[str, str]:
    """What each is called, by its id: its title and when it began; the id too where these are alike."""
    plain = {
        own.state.id: f"{campaign_title(own.state.kind, own.state.name)}, {fmt.moment(own.state.started_utc)}"
        for own in campaigns
    }
    alike = len(set(plain.values())) < len(plain)
    return {identity: f"{name} ({identity})" for identity, name in plain.items()} if alike else plain


def campaigns_table(campaigns: Sequence[CampaignMeasured], titles: Mapping[str, str], beside: Path) -> Table:
    """A line a campaign with the way to its page; links are for a page in `beside`."""
    rows: Rows = []
    links = {}
    for own in campaigns:
        measured = sum(len(load.results) for load in own.loads)
        verdicts = dict.fromkeys(result.verdict.words for load in own.loads for result in load.results)
        loads = fmt.count(len(own.loads), "load")
        samples = became_words([result for load in own.loads for result in load.results])
        row = (titles[own.state.id], _hardware(own), samples, loads, fmt.number(measured))
        rows.append((*row, names(list(verdicts), "; "), own.state.id))
        if own.folder.report.is_file():
            links[own.state.id] = os.path.relpath(own.folder.report, beside)
    columns = ("Campaign", "Ran on", "Samples", "Measured", "Runs", "Verdicts", "Its folder")
    source = "campaign.json, runs/*/result.json, runs/*/system.json"
    return Table("What is compared", columns, rows, frozenset({4}), source, links)


def _hardware(campaign: CampaignMeasured) -> str:
    """That of all its loads' first runs."""
    systems = [load.circumstances.system for load in campaign.loads]
    endpoints = {endpoint.name: endpoint for load in campaign.loads for endpoint in load.record.endpoints}
    return hardware_words(list(endpoints.values()), nodes_of(systems))


def efficiencies_words(campaigns: Sequence[CampaignMeasured], sides: Sequence[str]) -> Iterator[str]:
    """The efficiency of all nodes of each, as its report has it; nothing where one has none, or of other many."""
    found = [_efficiency(own.folder) for own in campaigns]
    known = [own for own in found if own is not None and own.efficiency is not None]
    if len(known) == len(found) and len({len(own.nodes) for own in known}) == 1:
        shares = [fmt.share(own.efficiency, own.low, own.high) for own in known]
        told = ", ".join(f"{share} on {side}" for share, side in zip(shares, sides, strict=True))
        yield f"Of the sum of what {len(known[0].nodes)} nodes do alone, together they do {told}."


def _efficiency(folder: CampaignFolder) -> Efficiency | None:
    try:
        told = (read_object(folder.report_json) or {}).get("scaling") or {}
        return Efficiency.model_validate(told["groups"][-1])
    except (UserError, ValidationError, KeyError, IndexError, TypeError):
        return None


def campaigns_shaped(
    campaigns: Sequence[CampaignMeasured], comparisons: Sequence[CampaignComparison], sides: Sequence[str]
) -> Iterator[str]:
    """Which of the figures that were compared aren't the server's; `sides`: the campaigns' names in a sentence."""
    loads = [load for comparison in comparisons for load in comparison.loads]
    compared = {run for load in loads for run in (*load.baseline_runs, *load.runs)}
    return shaped_sides_words(
        {
            side: {load.name: load.results for load in own.loads if any(one.run in compared for one in load.results)}
            for side, own in zip(sides, campaigns, strict=True)
        }
    )


def campaigns_problems(campaigns: Sequence[CampaignMeasured], titles: Mapping[str, str]) -> Iterator[Problem]:
    """What is to be said of each plan, and why LoadGen's verdict isn't VALID, once with the loads that it is of; what
    else limits belief is on each campaign's page."""
    for own in campaigns:
        if own.state.plan_note:
            yield Problem("note", "", f"{titles[own.state.id]}: {own.state.plan_note}.")
        found: dict[tuple[str, str], list[str]] = {}
        for load in own.loads:
            for result in load.results:
                reasons = [text for text in verdict_reasons(result, "") if not text.startswith(_SHAPED)]
                if result.loadgen.result == "INVALID":
                    found.setdefault((f"{result.verdict.words}.", f"{'; '.join(reasons)}."), []).append(load.name)
        for (words, why), loads in found.items():
            where = names(list(dict.fromkeys(loads)))
            yield Problem("warning", f"{titles[own.state.id]}, {where}: {words}", why)
        yield from _shaped_problem(titles[own.state.id], own)


def _shaped_problem(title: str, campaign: CampaignMeasured) -> Iterator[Problem]:
    """That the load generator could have shaped loads, once, with what it was in the first."""
    shaped = [load for load in campaign.loads if shaped_by_client(load.results)]
    if shaped:
        notices = (notice for result in shaped[0].results for notice in result.notices)
        why = next(notice for notice in notices if notice.startswith(CLIENT_BOUND)).rpartition(f"{_SHAPED}: ")[2]
        where = names([load.name for load in shaped])
        yield Problem("warning", f"{title}, {where}: {_SHAPED}.", f"At {shaped[0].name}: {why}.")
