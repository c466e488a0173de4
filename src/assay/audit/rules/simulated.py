"""A simulated server's figures are never a result."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import RunEvidence
from assay.audit.registry import Check, contradicted, run_rule, supported


@run_rule(
    "simulated",
    explain="""
A run against simulated endpoints measures the harness, not a model. It can't be VALID, nor an MLPerf result, nor have
an accuracy.
""",
    source="run.json: simulated",
)
def check(run: RunEvidence) -> Iterator[Check]:
    if not run.simulated:
        return
    if run.claims_valid or run.claims_mlperf or run.quality.passed:
        yield contradicted("VALID, or a target reached, on simulated endpoints", "no model answered")
    else:
        yield supported("a simulated run", "called neither VALID nor accurate")
