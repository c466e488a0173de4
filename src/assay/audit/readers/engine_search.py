"""The settings that a campaign's report.json calls best, beside what the campaign's runs show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from assay.analysis.engine_models import Tuned
from assay.analysis.engine_tries import tuned_in
from assay.audit.claimed import ClaimedSettings
from assay.audit.evidence import Evidence, Wording
from assay.errors import AssayError
from assay.runs import CampaignFolder, CampaignState, read_result


def claimed_settings(
    report: dict[str, Any], campaign: CampaignFolder, state: CampaignState, evidence: Evidence
) -> Iterator[ClaimedSettings]:
    """What a search through settings is said to have found; nothing where none is stated."""
    stated = report.get("engine")
    if not isinstance(stated, dict) or state.kind != "tune-engine":
        return
    try:
        told = Tuned.model_validate(stated)
    except ValidationError as error:
        evidence.unreadable.append(Wording(str(campaign.report_json), f"engine: {error.errors()[0]['msg']}"))
        return
    try:
        results = [read_result(campaign.run(entry.run)) for entry in state.runs if entry.run]
        shown = tuned_in(campaign, state, [result for result in results if result is not None])
    except (AssayError, OSError) as error:
        evidence.unreadable.append(Wording(str(campaign.runs), str(error)))
        return
    yield ClaimedSettings(told, shown)
