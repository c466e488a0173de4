"""A next step in words: why, and the command that does it, typed in the campaign's folder."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from assay.analysis.listing import names
from assay.runs.ledger import Ledger
from assay.runs.record import RunStatus

_AGAIN = {RunStatus.FAILED, RunStatus.TIMEOUT}
_THERE = "in the campaign's folder"
_GOES_ON = {RunStatus.INTERRUPTED, RunStatus.INCOMPLETE, None}


def left_over(
    statuses: Iterable[RunStatus | None], reasons: Iterable[str], ledgers: Iterable[Ledger | None] = ()
) -> str:
    """What to do about runs without a result; empty where nothing is left to do.

    Args:
        statuses: the runs'; None: the run hasn't ended.
        reasons: why they ended as they did; what follows the first line are the last lines of logs.
        ledgers: of those that began, where they were read.
    """
    found = set(statuses)
    resume = ["assay", "run", "--resume", "."]
    if found & _AGAIN == {RunStatus.TIMEOUT}:  # the reason names no more than the limit
        owing = dict.fromkeys(e.endpoint for ledger in ledgers if ledger for e in ledger.endpoints if e.lost)
        who = f"{names(list(owing))} owed answers" if owing else "answers stayed away"
        why = f"find out why {who}, then run again what was cut off, which keeps what was measured"
        return step(why, *resume, "--retry-failed")
    if found & _AGAIN:
        logs = any("\n" in reason for reason in reasons)
        named = "the reason and the last lines of the logs name" if logs else "the reason names"
        why = f"mend what {named}, then run again what failed, which keeps what was measured"
        return step(why, *resume, "--retry-failed")
    return step("carry out what is left, which keeps what was measured", *resume) if found & _GOES_ON else ""


def again_command(*sets: str) -> str:
    """What measures a campaign once more, beside itself, with other settings, typed in its folder."""
    return _typed("assay", "run", "config.yaml", "--output", "..", *(word for one in sets for word in ("--set", one)))


def step(why: str, *command: str) -> str:
    """The step with its command, to be typed in the campaign's folder: wherever a page lies or a terminal is."""
    return f"{why}: {_typed(*command)} {_THERE}"


def run_again(why: str, *sets: str) -> str:
    """The step that measures the campaign once more, with other settings."""
    return f"{why}: {again_command(*sets)} {_THERE}"


def tune(why: str, question: str, *options: str) -> str:
    """The step that asks `assay tune` a question of the same servers."""
    return step(why, "assay", "tune", question, "config.yaml", *options, "--results", "..")


def sentence(found: Iterable[str]) -> str:
    """The first of the steps, as every place tells it; empty where there is none."""
    return next((f"Next: {words}." for words in found if words), "")


def _typed(*command: str) -> str:
    return f"`{shlex.join(command)}`"
