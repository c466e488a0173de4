"""A rate of a run that lacks answers is that of the answers that it has, and says so."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import RunEvidence
from assay.audit.registry import Check, run_rule, supported, unsupported
from assay.digits import percent_text

_SAID = 0.5
_UNSAID = 0.01


@run_rule(
    "answered-share",
    explain="""
    unanswered share = (assigned - completed) / assigned

A rate counts answers, over a time that holds what failed too. It is unsupported where more than half of the samples
has no answer, for then what was measured is mostly how the system fails; and where more than 1 % has none and what
became of them (failed, lost) isn't stated.
""",
    source="the law of the ledger: every figure stands beside the samples that it lacks",
)
def check(run: RunEvidence) -> Iterator[Check]:
    rate = run.samples_per_s or run.tokens_per_s
    if rate is None or not run.performance or not run.finished or not unanswered_share(run):
        return
    words = f"a rate of {rate.value:.4g}/s over {run.samples.completed} answers"
    yield unsupported(words, lack(run)) if lacks_too_much(run) else supported(words, lack(run))


def unanswered_share(run: RunEvidence) -> float:
    """The part of the assigned samples without an answer; 0 where either number isn't stated."""
    assigned, completed = run.samples.assigned, run.samples.completed
    return 0.0 if not assigned or completed is None else max(0.0, (assigned - completed) / assigned)


def lacks_too_much(run: RunEvidence) -> bool:
    """Whether its rate stands for no work that others could be compared with."""
    said = run.samples.failed is not None or run.samples.lost is not None
    return unanswered_share(run) > (_SAID if said else _UNSAID)


def lack(run: RunEvidence) -> str:
    """What it lacks, in words."""
    counts = run.samples
    return (
        f"{counts.completed} of {counts.assigned} samples were answered, {percent_text(unanswered_share(run))} were not"
    )
