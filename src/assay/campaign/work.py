"""What all runs of a campaign share, and the words that its parts use."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from assay.campaign.prepare import Prepared
from assay.config import Config
from assay.runs import CampaignFolder


@dataclass(frozen=True)
class Work:
    """What all runs of a campaign share, wherever its servers are."""

    config: Config
    prepared: Prepared
    campaign: CampaignFolder
    lost: dict[str, str] = field(default_factory=dict)
    """Endpoints whose server ended by itself since it was last started: why."""


def utc_now() -> str:
    """UTC to the millisecond, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def note_traceback(log: Path) -> None:
    """Append the traceback of the error that is being handled."""
    with log.open("a", encoding="utf-8") as file:
        file.write(traceback.format_exc())
