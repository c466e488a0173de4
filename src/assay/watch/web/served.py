"""Which files of a folder of results a page may have: finished reports, and what they show."""

from __future__ import annotations

import re
from pathlib import Path

_REPORTS = re.compile(r"(runs/[^/]+/)?(report\.(html|md|json)|findings\.json|charts/[^/]+\.(png|js))")


def file_of(campaign: Path, name: str) -> Path | None:
    """The file of a campaign that may be sent; None where there is none, or it lies elsewhere by a link."""
    if not _REPORTS.fullmatch(name):
        return None
    try:
        path = (campaign / name).resolve(strict=True)
    except (OSError, ValueError):
        return None
    return path if path.is_relative_to(campaign.resolve()) and path.is_file() else None
