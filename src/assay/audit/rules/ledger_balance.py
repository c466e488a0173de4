"""Every sample is accounted for."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import Origin, RunEvidence
from assay.audit.registry import Check, contradicted, impossible, run_rule, supported, unsupported
from assay.digits import sum_text


@run_rule(
    "ledger-balance",
    explain="""
Every sample that was assigned must have an end:

    assigned = completed + failed + lost

for the run and for each of its parts, and the parts' samples must add up to the whole's. Samples that nobody mentions
again are the usual way in which a failing system looks fast.

contradicted: the counts exclude each other. unsupported: assigned samples whose end isn't stated, or a claimed run in
which nothing was completed. impossible: a negative count.
""",
    source="the law of the ledger: issued = completed + failed + lost",
)
def check(run: RunEvidence) -> Iterator[Check]:
    counts = run.samples
    stated = {name: getattr(counts, name) for name in ("assigned", "completed", "failed", "lost")}
    negative = [f"{value} {name}" for name, value in stated.items() if value is not None and value < 0]
    if negative:
        yield impossible(", ".join(negative), "a count is never negative")
        return
    if counts.completed == 0 and run.origin is not Origin.RUN:
        yield unsupported("a run of 0 samples", "what nothing was answered in shows nothing")
    elif counts.assigned is not None and counts.completed is not None:
        ended = counts.completed + (counts.failed or 0) + (counts.lost or 0)
        words = f"{counts.assigned} assigned, {counts.completed} completed"
        sum_words = f"{counts.completed} completed + {counts.failed or 0} failed + {counts.lost or 0} lost = {ended}"
        if ended == counts.assigned:
            yield supported(words, f"{sum_words} = assigned")
        elif ended < counts.assigned and counts.failed is None and counts.lost is None:
            yield unsupported(words, f"{sum_words}; {counts.assigned - ended} samples have no stated end")
        else:
            yield contradicted(words, f"{sum_words}, not {counts.assigned}")
    for name in ("assigned", "completed"):
        whole = getattr(counts, name)
        parts = [getattr(part.samples, name) for part in run.parts]
        if whole is not None and parts and None not in parts:
            words = f"{whole} samples {name} in {len(parts)} parts"
            if sum(parts) == whole:
                yield supported(words, f"{sum_text(parts)} = {whole}")
            else:
                yield contradicted(words, f"{sum_text(parts)} = {sum(parts)}, not {whole}")
    yield from _own_ledger(run)


def _own_ledger(run: RunEvidence) -> Iterator[Check]:
    ledger = run.ledger
    if ledger is None or not run.finished:
        return
    sent = sum(endpoint.sent for endpoint in ledger.endpoints)
    ends = sum(endpoint.ok + endpoint.failed + endpoint.lost for endpoint in ledger.endpoints)
    words = f"{sent} attempts at {len(ledger.endpoints)} endpoints"
    for problem in ledger.problems:
        yield contradicted("the ledger balances", problem)
    answered = sum(endpoint.ok for endpoint in ledger.endpoints)
    if sent == ends and answered == ledger.completed:
        yield supported(words, f"{ends} ended, {answered} of them answered = completed")
    else:
        yield contradicted(words, f"{ends} ended, {answered} answered; completed is {ledger.completed}")
