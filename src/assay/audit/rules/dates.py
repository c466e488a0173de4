"""Dates are real, and in order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from assay.audit.evidence import Evidence, Moment, Origin, RunEvidence
from assay.audit.registry import Check, every_run, evidence_rule
from assay.audit.verdicts import Judgement

_DATE = re.compile(r"(?<![\d-])(\d{4})-(\d{2})-(\d{2})(?![\d-])")
_A_DAY = timedelta(days=1)


@evidence_rule(
    "dates",
    explain="""
Every date in a claims file is a day that there is (2026-02-30 isn't); a run ends after it starts, and between the two
lies at least its duration. A date without a time of day is any moment of that day.
""",
    source="the Gregorian calendar",
)
def check(evidence: Evidence) -> Iterator[Check]:
    runs = [run for run in every_run(evidence) if run.origin is Origin.CLAIMS]
    if runs:
        for text in evidence.texts:
            for found in _DATE.finditer(text.text):
                if not _is_day(*map(int, found.groups())):
                    words = " ".join(text.text.split())[:120]
                    yield Check(
                        Judgement.IMPOSSIBLE, words, f"there is no {found[0]}", subject=text.where, where=text.where
                    )
    for run in runs:
        yield from _times(run)


def _is_day(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _times(run: RunEvidence) -> Iterator[Check]:
    def found(verdict: Judgement, words: str, sums: str) -> Check:
        return Check(verdict, words, sums, subject=run.name, where=run.where)

    for moment in (run.began, run.ended):
        if moment is not None and moment.at is None and _real_day(moment):
            yield found(Judgement.IMPOSSIBLE, moment.text, "there is no such time of day")
    if run.began is None or run.ended is None or run.began.at is None or run.ended.at is None:
        return
    words = f"from {run.began.text} to {run.ended.text}"
    if (run.began.at.tzinfo is None) != (run.ended.at.tzinfo is None):
        yield found(Judgement.UNSUPPORTED, words, "only one of the two names its time zone")
        return
    longest = _last(run.ended) - run.began.at
    if longest <= timedelta(0):
        yield found(Judgement.IMPOSSIBLE, words, "the end lies before the start")
    elif run.duration_s is not None and run.duration_s.low > longest.total_seconds():
        sums = f"at most {longest.total_seconds():g} s lie between them, the run took {run.duration_s} s"
        yield found(Judgement.CONTRADICTED, words, sums)
    else:
        yield found(Judgement.SUPPORTED, words, "in order")


def _real_day(moment: Moment) -> bool:
    found = _DATE.match(moment.text)
    return found is not None and _is_day(*map(int, found.groups()))


def _last(moment: Moment) -> datetime:
    """The latest that a moment may mean: a whole day, or the minute or second that is named."""
    assert moment.at is not None
    if len(moment.text) == len("2026-01-31"):
        return datetime.combine(moment.at, time.min) + _A_DAY
    return moment.at + timedelta(minutes=1 if moment.at.second == 0 else 0, seconds=1)
