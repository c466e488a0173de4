"""Which loads' figures aren't the server's, since the load generator could have shaped them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from assay.analysis.campaign import CampaignAnalysis, RunLine
from assay.analysis.listing import names, names_in_one_unit
from assay.analysis.summary import shaped_by_client
from assay.runs.result import Result

DOUBT = "the load generator could have shaped"
_ALL = "all of these figures"


def shaped_runs(analysis: CampaignAnalysis) -> tuple[list[RunLine], int]:
    """The client-bound runs, and of how many. Of a search for a rate it is the search's word: it holds delays against
    its limits, and of the run that it begins with it takes only where to begin."""
    if analysis.rate is None:
        return [line for line in analysis.lines if line.record.client.client_bound], len(analysis.lines)
    bound = {point.run for point in analysis.rate.points if point.client_bound}
    return [line for line in analysis.lines if line.folder.id in bound], len(analysis.rate.points)


def client_shaped_words(analysis: CampaignAnalysis) -> Iterator[str]:
    """One sentence that names the loads, for the answer of a campaign of any kind; none where there are none. Those
    that decide a search through settings come first: of many only the first are named."""
    bound = sorted((g for g in analysis.groups if g.client_bound), key=lambda g: g.first.entry.stage != "final")
    doubted = [analysis.name(group.first.entry) for group in bound]
    if doubted:
        every = len(doubted) == len(analysis.groups)
        of_all = _ALL if len(doubted) > 1 else "these figures"
        yield not_the_servers(of_all if every else f"the figures of {names(doubted)}")


def not_the_servers(figures: str) -> str:
    """What figures that the load generator could have shaped are worth."""
    return f"Client-bound: {DOUBT} {figures}; they don't say what the server can do."


def shaped_sides_words(sides: Mapping[str, Mapping[str, Sequence[Result]]]) -> Iterator[str]:
    """The same of a comparison: each side's results by their load, by what the side is called in a sentence."""
    doubted = {
        side: [load for load, results in loads.items() if shaped_by_client(results)] for side, loads in sides.items()
    }
    if not any(doubted.values()):
        return
    every = {side: len(doubted[side]) == len(loads) for side, loads in sides.items()}
    whose = [f"{side}{_at(loads, sides[side])}" for side, loads in doubted.items() if loads]
    which = _ALL if all(every.values()) else f"the figures of {' and of '.join(whose)}"
    yield f"Client-bound: {DOUBT} {which}; what differs may not be the server's."


def _at(doubted: Sequence[str], loads: Collection[str]) -> str:
    """At which of its loads a side is doubted, with a space before it; nothing where it has but one."""
    if len(loads) == 1:
        return ""
    return " at every load" if len(doubted) == len(loads) else f" at {names_in_one_unit(doubted)}"
