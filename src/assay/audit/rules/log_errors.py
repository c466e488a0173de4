"""A VALID run's log has no errors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from assay.audit.evidence import RunEvidence
from assay.audit.registry import Check, contradicted, run_rule, supported, unsupported

_HARMLESS = (
    "Loadgen built with uncommitted changes",
    "CAS failed",
    "Multiple conf files are used",
    # Where a run ends by its settings, or by their lack: one that is too short is INVALID by its duration or count.
    "Ran out of generated queries to issue",
    "Ending early: Max query count reached",
    "Ending early: Max test duration reached",
)


@run_rule(
    "log-errors",
    explain="""
LoadGen's VALID doesn't look at the errors that it logs (a token count of 1, answers out of order). A run that is
called VALID has none, but for words on LoadGen's own build, configuration files and queue, which change no figure. The
summary and the detail log count the same errors.
""",
    source="LoadGen's detail log, is_error; the submission checker refuses accuracy logs with errors",
)
def check(run: RunEvidence) -> Iterator[Check]:
    detail, summary = run.detail, run.summary
    if detail is None or not detail.complete:
        return
    serious = Counter(e.value for e in detail.errors if not any(word in e.value for word in _HARMLESS))
    unkept = detail.error_count - len(detail.errors)
    claimed = run.claims_valid or run.claims_mlperf
    words = f"{'VALID, with ' if run.claims_valid else ''}{detail.error_count} errors in the log"
    if serious or unkept:
        text = "; ".join(f"{count} x {message[:100]!r}" for message, count in serious.most_common(3))
        if claimed:
            yield unsupported(words, text)
    else:
        yield supported(words, "none that changes a figure")
    # LoadGen closes its summary before its detail log: harmless words may come after.
    fewer = summary is not None and (summary.errors or 0) < detail.error_count and bool(serious or unkept)
    more = summary is not None and (summary.errors or 0) > detail.error_count
    if run.performance and summary is not None and summary.errors is not None and (fewer or more):
        sums = f"the detail log has {detail.error_count} lines marked is_error"
        yield contradicted(f"{summary.errors} errors in the summary", sums)
