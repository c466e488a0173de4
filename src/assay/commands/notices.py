"""What a reader of the table must know: each notice once, with the loads that it is about."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from assay.analysis.loads import LoadRow


def notices_text(rows: Sequence[LoadRow], width: int) -> str:
    """A line or more a notice, in at most `width` columns; empty where there is none."""
    about: dict[str, list[str]] = {}
    for row in rows:
        for notice in row.notices:
            about.setdefault(notice, []).append(row.load)
    if not about:
        return ""
    lines = []
    for notice, loads in about.items():
        place = "" if len(loads) == len(rows) else f"{', '.join(loads)}: "
        lines += textwrap.wrap(place + notice, width, initial_indent="- ", subsequent_indent="  ")
    return "\n" + "\n".join(lines) + "\n"
