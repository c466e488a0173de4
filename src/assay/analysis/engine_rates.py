"""The highest rate that each server start of a search through settings keeps: a small search for a rate on every one.

A rate that was found is an estimate with its own error. Where a search ended between two rates that its tests are sure
of, the middle by ratio stands for it, and what isn't known is the same on each start that was probed at these rates.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from assay.analysis.rate_search import rate_of, search_over
from assay.analysis.statistics import Estimate, from_interval
from assay.runs.campaign import STAGE_SHARES, CampaignFolder, CampaignState, RunEntry, Stage
from assay.runs.rate_search import RateSearch
from assay.search import Found, Run, Step, Stopped

Key = tuple[str, int | None, int | None, int | None]
StartKey = tuple[Key, int]


@dataclass(frozen=True)
class StartRate:
    """What the search on one server start came to. Without a rate `why` says the reason; empty: it isn't over."""

    rate: Estimate | None
    confirmed: bool = False
    why: str = ""


def key_of(entry: RunEntry) -> Key:
    """The same for all runs of one try."""
    return str(sorted(entry.settings.items())), entry.servers, entry.server_nodes, entry.window


def search_in(base: RateSearch, stage: Stage) -> RateSearch:
    """The search on a start of that stage: with its share of a final one's time."""
    share = STAGE_SHARES[stage]
    budget_s = None if base.budget_s is None else share * base.budget_s
    return base.model_copy(update={"budget_s": budget_s, "confirm_s": share * base.confirm_s})


def start_rates(folder: CampaignFolder, state: CampaignState) -> dict[StartKey, StartRate]:
    """Of every try on every server start, in their order. Raises UserError for a damaged run."""
    assert state.rate_search is not None
    return {key: _start_rate(folder, state.rate_search, own) for key, own in on_starts(state.runs).items()}


def on_starts(entries: Iterable[RunEntry]) -> dict[StartKey, list[RunEntry]]:
    """The runs of each try on each server start."""
    found: dict[StartKey, list[RunEntry]] = {}
    for entry in entries:
        if entry.stage is not None:
            found.setdefault((key_of(entry), entry.start), []).append(entry)
    return found


def next_probe(folder: CampaignFolder, base: RateSearch, entries: Sequence[RunEntry]) -> Run | None:
    """What follows on one start after these runs of a try; None: its search is over."""
    step = None if _not_started(entries) else _step(folder, base, entries)[0]
    return step if isinstance(step, Run) else None


def _step(folder: CampaignFolder, base: RateSearch, entries: Sequence[RunEntry]) -> tuple[Step | None, str]:
    first = entries[0]
    assert first.stage is not None
    assert first.probe is not None
    begin = None if first.probe.role == "start" else rate_of(first)
    search = search_in(base, first.stage).model_copy(update={"first_rate": begin})
    found = search_over(folder, search, entries)
    return found.step, found.why_none


def _start_rate(folder: CampaignFolder, base: RateSearch, entries: Sequence[RunEntry]) -> StartRate:
    if lost := _not_started(entries):
        return StartRate(None, why=lost.reason.partition("\n")[0] or str(lost.status))
    if any(entry.status is None for entry in entries):
        return StartRate(None)
    step, why_none = _step(folder, base, entries)
    match step:
        case Found(rate=rate, low=low, high=high, confirmed=confirmed):
            return StartRate(from_interval(rate, low, high), confirmed)
        case Stopped(low=float(low), high=float(high)):
            between = from_interval(math.sqrt(low * high), low, high)
            return StartRate(replace(between, shared=between.se or 0.0))
        case Stopped(because="budget" | "undecided", why=why):
            return StartRate(None, why=f"{why}; more of campaign.engine.search_s may help")
        case Stopped(why=why):
            return StartRate(None, why=why)
    return StartRate(None, why=why_none)


def _not_started(entries: Sequence[RunEntry]) -> RunEntry | None:
    """A run whose servers didn't come up."""
    return next((entry for entry in entries if entry.status is not None and entry.run is None), None)
