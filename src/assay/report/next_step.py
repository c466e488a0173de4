"""What a page says to do next about runs that didn't come to their end."""

from __future__ import annotations

from collections.abc import Iterable

from assay.runs.record import RunStatus

_AGAIN = {RunStatus.FAILED, RunStatus.TIMEOUT}
_GOES_ON = {RunStatus.INTERRUPTED, RunStatus.INCOMPLETE, None}


def next_step(statuses: Iterable[RunStatus | None]) -> list[str]:
    """The sentence; none where nothing is left to do. A status of None: the run hasn't ended."""
    found = set(statuses)
    resume = "assay run --resume FOLDER"
    whose = "with the campaign's folder for FOLDER"
    if found & _AGAIN:
        return [
            "Next: mend what the reason and the last lines of the logs name; then "
            f"`{resume} --retry-failed`, {whose}, runs again what failed and keeps what was measured."
        ]
    if found & _GOES_ON:
        return [f"Next: `{resume}`, {whose}, carries out what is left and keeps what was measured."]
    return []
