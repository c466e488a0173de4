"""What a page says to do next about runs that didn't come to their end."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path

from assay.runs.record import RunStatus

_AGAIN = {RunStatus.FAILED, RunStatus.TIMEOUT}
_GOES_ON = {RunStatus.INTERRUPTED, RunStatus.INCOMPLETE, None}


def next_step(campaign: Path, statuses: Iterable[RunStatus | None], reasons: Iterable[str]) -> list[str]:
    """The sentence; none where nothing is left to do.

    Args:
        campaign: its folder, as it is reached from where the page is made.
        statuses: the runs'; None: the run hasn't ended.
        reasons: why they ended as they did; what follows the first line are the last lines of logs.
    """
    found = set(statuses)
    resume = f"assay run --resume {shlex.quote(str(campaign))}"
    if found & _AGAIN:
        logs = any("\n" in reason for reason in reasons)
        named = "the reason and the last lines of the logs name" if logs else "the reason names"
        return [
            f"Next: mend what {named}; then `{resume} --retry-failed` runs again what failed and keeps what was "
            "measured."
        ]
    if found & _GOES_ON:
        return [f"Next: `{resume}` carries out what is left and keeps what was measured."]
    return []
