"""The records of a run are possible in themselves."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from assay.audit.evidence import RunEvidence
from assay.audit.folder import MISSING, FolderFacts, Mask, Rows
from assay.audit.registry import Check, contradicted, run_rule, supported

_ORDER = ("issued_ns", "sent_ns", "first_ns", "last_ns", "done_ns")


@run_rule(
    "records",
    explain="""
What requests.parquet holds follows from how it is made: a row an attempt, numbered from 1 for each sample; one attempt
of each sample is the deciding one; samples are numbered in the order of their issue, from 0; issued <= sent <= first
token <= last token <= done; first_ns and last_ns are the times of the first and the last chunk, chunks come in order
and carry the streamed tokens between them, and there are as many token ids as tokens; endpoints are those of run.json,
and samples lie within the data set.
""",
    source="docs/run-folder.md: requests.parquet",
)
def check(run: RunEvidence) -> Iterator[Check]:
    facts = run.folder
    if facts is None or facts.rows is None or not len(facts.rows):
        return
    found = [contradicted(words, sums) for words, sums in _problems(facts, facts.rows)]
    yield from found
    if not found:
        yield supported("the records are possible", f"{len(facts.rows)} attempts")


def _problems(facts: FolderFacts, rows: Rows) -> Iterator[tuple[str, str]]:
    samples, attempts = rows["sample_id"], rows["attempt"]
    order = np.lexsort((attempts, samples))
    again = (np.diff(samples[order]) == 0) & (np.diff(attempts[order]) == 0)
    if again.any():
        several = int((again & ~np.append(False, again[:-1])).sum())
        yield "each attempt has one row", f"{several} have several, sample {samples[order][1:][again][0]} for one"
    decided = np.unique(samples[rows.final], return_counts=True)
    if (decided[1] > 1).any():
        several = int((decided[1] > 1).sum())
        yield "one attempt decides a sample", f"{several} samples have several, {decided[0][decided[1] > 1][0]} for one"
    ids = rows.samples
    if len(undecided := ids[~np.isin(ids, decided[0])]):
        yield "each sample is decided", f"{len(undecided)} aren't, {undecided[0]} for one"
    if int(ids[0]) != 0 or int(ids[-1]) != len(ids) - 1:
        yield "samples are numbered from 0", f"{len(ids)} samples, from {ids[0]} to {ids[-1]}"
    yield from _times(rows)
    for words, count in rows.chunk_faults.items():
        yield "an answer's chunks agree with its row", f"{words}: {count} times"
    known = {endpoint.name for endpoint in facts.record.endpoints}
    if strangers := set(rows.endpoint.names) - known:
        yield "endpoints are run.json's", f"rows name {', '.join(sorted(map(str, strangers)))}"
    places = rows["qsl_idx"]
    if int(places.min()) < 0 or int(places.max()) >= facts.record.samples:
        yield f"samples of a data set of {facts.record.samples}", f"rows name samples {places.min()} to {places.max()}"


def _times(rows: Rows) -> Iterator[tuple[str, str]]:
    for index, earlier in enumerate(_ORDER):
        for later in _ORDER[index + 1 :]:
            before, after = rows[earlier], rows[later]
            wrong: Mask = (before != MISSING) & (after != MISSING) & (before > after)
            if wrong.any():
                yield f"{earlier} comes before {later}", f"it doesn't in {int(wrong.sum())} of {len(rows)} attempts"
    untimed = rows.good & ((rows["sent_ns"] == MISSING) | (rows["done_ns"] == MISSING))
    if untimed.any():
        yield "an answer was asked for and ended", f"{int(untimed.sum())} answers have no such times"
    issued = rows["issued_ns"][rows.final][np.argsort(rows["sample_id"][rows.final])]
    back = int((np.diff(issued) < 0).sum())
    if back:
        yield "samples are numbered in the order of their issue", f"{back} were issued before the one they follow"
