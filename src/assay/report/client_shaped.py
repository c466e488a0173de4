"""Which loads' figures aren't the server's, since the load generator could have shaped them."""

from __future__ import annotations

from collections.abc import Iterator

from assay.analysis.campaign import CampaignAnalysis, Group
from assay.analysis.listing import names

DOUBT = "the load generator could have shaped"


def client_shaped(group: Group) -> bool:
    """Whether one of a load's runs is client-bound."""
    return any(line.record.client.client_bound for line in group.lines)


def client_shaped_words(analysis: CampaignAnalysis) -> Iterator[str]:
    """One sentence that names the loads, for the answer of a campaign of any kind; none where there are none."""
    doubted = [analysis.name(group.first.entry) for group in analysis.groups if client_shaped(group)]
    if not doubted:
        return
    which = "all of these figures" if len(doubted) == len(analysis.groups) else f"the figures of {names(doubted)}"
    yield f"Client-bound: {DOUBT} {which}; they don't say what the server can do."
