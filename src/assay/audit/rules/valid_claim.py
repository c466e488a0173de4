"""VALID is LoadGen's word."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import Origin, RunEvidence
from assay.audit.registry import Check, contradicted, run_rule, supported, unsupported


@run_rule(
    "valid-claim",
    explain="""
A performance run may be called VALID if LoadGen's log says "Result is : VALID" and each of its conditions (minimum
duration, minimum queries, early stopping, and performance constraints) is met. A result that stands in an MLPerf
results tree is called VALID by standing there. Without a log the word is unsupported.
""",
    source="LoadGen: result_validity, result_*_met and early_stopping_met of the detail log",
)
def check(run: RunEvidence) -> Iterator[Check]:
    if not run.claims_valid or not run.performance:
        return
    detail, summary = run.detail, run.summary
    result = (detail.result if detail else None) or (summary.result if summary else None)
    if result is None:
        logs = "LoadGen's logs state no result" if detail or summary else "there is no LoadGen log"
        yield unsupported("VALID", logs)
        return
    unmet = [name for name, met in summary.conditions.items() if not met] if summary else []
    if detail:
        keys = [key for key in detail.results if key.endswith("_met")]
        unmet += [key for key in keys if detail.results[key] is False]
    if result != "VALID":
        yield contradicted("VALID", f"LoadGen's result is {result}")
    elif unmet:
        yield contradicted("VALID", f"not met: {', '.join(unmet)}")
    else:
        where = "" if run.origin is not Origin.LOADGEN else " and its conditions are met"
        yield supported("VALID", f"LoadGen's result is VALID{where}")
