"""The ledger counts what the records hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from assay.audit.evidence import RunEvidence
from assay.audit.folder import Rows
from assay.audit.registry import Check, contradicted, run_rule, supported
from assay.runs import Ledger

_LEAST_TOKENS = 2


@run_rule(
    "ledger-and-records",
    explain="""
Every count of ledger.json that requests.parquet gives is counted again: samples issued, attempts, samples sent again,
why samples failed, answers of fewer than two tokens and those whose tokens the server didn't count, and for each
endpoint the attempts that were sent, answered, failed (by reason) and lost. run.json's count of issued samples and
result.json's counts are the same.
""",
    source="ledger.json and run.json against requests.parquet",
)
def check(run: RunEvidence) -> Iterator[Check]:
    facts = run.folder
    if facts is None or facts.rows is None or facts.ledger is None:
        return
    ledger, rows = facts.ledger, facts.rows
    pairs = [*_whole(ledger, rows), *_endpoints(ledger, rows)]
    if run.finished:
        pairs += _tokens(ledger, rows)
    pairs.append(("run.json: issued", facts.record.issued, len(rows.samples)))
    wrong = [contradicted(f"{name} {stated}", f"{actual} in the records") for name, stated, actual in pairs
             if stated != actual]  # fmt: skip
    yield from wrong
    if not wrong:
        yield supported("the ledger counts what the records hold", f"{len(pairs)} counts")


def _whole(ledger: Ledger, rows: Rows) -> Iterator[tuple[str, object, object]]:
    sent = rows["attempt"] > 0
    tries = np.unique(rows["sample_id"][sent], return_counts=True)[1]
    yield "issued", ledger.issued, len(rows.samples)
    yield "attempts", ledger.attempts, int(sent.sum())
    yield "samples sent again", ledger.resent, int((tries > 1).sum())
    yield "failed samples by reason", ledger.failure_reasons, _reasons(rows.status.counts(rows.final))


def _tokens(ledger: Ledger, rows: Rows) -> Iterator[tuple[str, object, object]]:
    """What LoadGen was told of the answers' tokens; of a load that was killed nobody knows that."""
    known, streamed = rows.token_source.are("ids") | rows.token_source.are("usage"), rows["streamed_tokens"]
    uncounted, unlikely = (int((rows.good & mask).sum()) for mask in (~known, known & (streamed < 0)))
    fitting = min(max(ledger.estimated_tokens, uncounted), uncounted + unlikely)
    yield "answers whose tokens the server didn't count", ledger.estimated_tokens, fitting
    if not uncounted and not unlikely:  # else one chunk may have been taken for one token
        short = int((rows.good & (streamed < _LEAST_TOKENS)).sum())
        yield "answers of fewer than two tokens", ledger.short_outputs, short


def _endpoints(ledger: Ledger, rows: Rows) -> Iterator[tuple[str, object, object]]:
    rows_of = rows.endpoint.rows_of([own.endpoint for own in ledger.endpoints])
    for own, place in zip(ledger.endpoints, rows_of, strict=True):
        found = rows.status.counts(place)
        reasons = _reasons(found)
        for name, stated, actual in (
            ("sent", own.sent, found.total()),
            ("answered", own.ok, found["ok"]),
            ("lost", own.lost, found["lost"]),
            ("failed", own.failed, sum(reasons.values())),
            ("failures", own.reasons, reasons),
        ):
            yield f"{own.endpoint}: {name}", stated, actual


def _reasons(statuses: Counter[str]) -> dict[str, int]:
    return {status: count for status, count in sorted(statuses.items()) if status not in ("ok", "lost")}
