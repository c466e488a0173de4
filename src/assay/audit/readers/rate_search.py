"""The rate that a campaign's report.json states, beside what the campaign's runs show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from assay.analysis.rate_answer import rate_answer
from assay.audit.claimed import ClaimedRate
from assay.audit.evidence import Evidence, Wording
from assay.errors import AssayError
from assay.runs import CampaignFolder, CampaignState


def claimed_rates(
    report: dict[str, Any], campaign: CampaignFolder, state: CampaignState, evidence: Evidence
) -> Iterator[ClaimedRate]:
    """The rate with its interval, where one is stated."""
    stated = report.get("rate")
    if not isinstance(stated, dict) or stated.get("outcome") != "found":
        return
    numbers = [stated.get(name) for name in ("rate", "low", "high")]
    if not all(isinstance(number, int | float) and not isinstance(number, bool) for number in numbers):
        evidence.unreadable.append(Wording(str(campaign.report_json), "rate: found without its numbers"))
        return
    rate, low, high = (float(number or 0) for number in numbers)
    found, held, why = _shown(campaign, state, evidence)
    yield ClaimedRate(rate, low, high, stated.get("confirmed") is True, found, held, why)


def _shown(
    campaign: CampaignFolder, state: CampaignState, evidence: Evidence
) -> tuple[tuple[float, float, float] | None, list[float], str]:
    """What the runs show: the rate and its interval, the rates that held, and why there is none."""
    if state.kind != "tune-rate" or state.rate_search is None:
        return None, [], "campaign.json has no search"
    try:
        answer = rate_answer(campaign, state)
    except (AssayError, OSError) as error:
        evidence.unreadable.append(Wording(str(campaign.runs), str(error)))
        return None, [], "a run of the search can't be read"
    held = [point.rate for point in answer.points if point.verdict == "held"]
    if answer.rate is None or answer.low is None or answer.high is None:
        return None, held, answer.why
    return (answer.rate, answer.low, answer.high), held, answer.why
