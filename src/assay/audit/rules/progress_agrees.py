"""What the load said as it went is what the records say afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from assay.audit.evidence import RunEvidence
from assay.audit.folder import MISSING, FolderFacts, Ints, Rows
from assay.audit.registry import Check, contradicted, run_rule, supported
from assay.audit.spans import ns
from assay.runs.progress import ProgressEvent


@run_rule(
    "progress-agrees",
    explain="""
While a load runs, its process counts samples and sums their tokens and times in progress.jsonl, apart from the records
that the workers keep. Its last line is written when all is over. Samples issued, completed and failed are then the
ledger's, for each endpoint too; tokens and the sum of times per output token are exactly the records'. Its clock for a
sample starts between issue and sending, or when the sample was due: so the sums of TTFT and latency lie between those
from sending and those from issue. (A run that was closed after an interruption may lack the last lines.)
""",
    source="progress.jsonl against requests.parquet and ledger.json",
)
def check(run: RunEvidence) -> Iterator[Check]:
    facts = run.folder
    if facts is None or facts.end is None or facts.rows is None or facts.ledger is None or facts.record.closed:
        return
    found = [*_counts(facts, facts.end), *_sums(facts, facts.rows, facts.end)]
    yield from found
    if not found:
        yield supported("progress.jsonl ends as the records do", f"{facts.end.completed} samples completed")


def _counts(facts: FolderFacts, end: ProgressEvent) -> Iterator[Check]:
    ledger = facts.ledger
    assert ledger is not None
    pairs = [
        (f"samples {name}", getattr(ledger, name), getattr(end, name)) for name in ("issued", "completed", "failed")
    ]
    pairs += [
        (f"{own.endpoint}: answers", own.ok, end.endpoints[own.endpoint].completed)
        for own in ledger.endpoints
        if own.endpoint in end.endpoints
    ]
    for name, stated, told in pairs:
        if stated != told:
            yield contradicted(f"{name}: {stated} in ledger.json", f"{told} at the end of progress.jsonl")


def _sums(facts: FolderFacts, rows: Rows, end: ProgressEvent) -> Iterator[Check]:
    ledger, good = facts.ledger, rows.good
    assert ledger is not None
    if end.completed != int(good.sum()):
        return
    tokens = np.where(rows["streamed_tokens"] != MISSING, rows["streamed_tokens"], rows["output_tokens"])[good]
    first, last, sent = (rows[name][good] for name in ("first_ns", "last_ns", "sent_ns"))
    timed = first != MISSING
    if not ledger.estimated_tokens and (tokens != MISSING).all():
        if int(tokens.sum()) != end.output_tokens:
            yield contradicted(f"{tokens.sum()} tokens were streamed", f"{end.output_tokens} in progress.jsonl")
        several = timed & (tokens > 1)
        total = int(((last - first)[several] // (tokens[several] - 1)).sum())
        if total != end.tpot.sum_ns:
            yield contradicted(
                f"times per output token add up to {ns(total)}", f"{ns(end.tpot.sum_ns)} in progress.jsonl"
            )
    from_issue = rows.start_ns[good]
    due = facts.record.driver == "pacer" and (rows["scheduled_ns"][good] != MISSING).all()
    for name, until, told in (("TTFT", first, end.ttft.sum_ns), ("latency", last, end.latency.sum_ns)):
        yield from _between(name, (until - sent)[timed], (until - from_issue)[timed], told, exact=bool(due))


def _between(name: str, service: Ints, whole: Ints, told: int, *, exact: bool) -> Iterator[Check]:
    low, high = int(whole.sum() if exact else service.sum()), int(whole.sum())
    if not low <= told <= high:
        words = f"{ns(low)} to {ns(high)}" if low != high else ns(low)
        yield contradicted(f"{name} of all samples adds up to {words}", f"{ns(told)} in progress.jsonl")
