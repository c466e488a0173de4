"""The runs of one result were made with one LoadGen, on one system, in one scenario."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from assay.audit.evidence import Evidence, RunEvidence
from assay.audit.registry import Check, evidence_rule
from assay.audit.verdicts import Judgement

_KEYS = {"loadgen_version": "LoadGen", "sut_name": "system under test", "effective_scenario": "scenario"}


@evidence_rule(
    "same-configuration",
    explain="""
Of a tree that is said to be a whole submission: a result's performance, accuracy and compliance runs were made by the
same LoadGen (version and commit), for the same system under test by the name that it gave LoadGen, and in the same
scenario; else the accuracy and the compliance are another system's. (The published checker doesn't compare them.)
""",
    source="MLPerf inference rules: one system and one code for accuracy and performance; LoadGen's detail logs",
)
def check(evidence: Evidence) -> Iterator[Check]:
    if not evidence.submitters:
        return
    results: dict[str, list[RunEvidence]] = defaultdict(list)
    for run in evidence.runs:
        if run.detail is not None and run.submission is not None:
            results["/".join(run.name.split("/")[:5])].append(run)
    for runs in results.values():
        first = next((run for run in runs if run.claims_mlperf and run.performance), None)
        if first is not None:
            yield from _compared(first, [run for run in runs if run is not first])


def _compared(first: RunEvidence, others: list[RunEvidence]) -> Iterator[Check]:
    assert first.detail is not None
    for other in others:
        assert other.detail is not None
        for key, what in _KEYS.items():
            own, theirs = first.detail.values.get(key), other.detail.values.get(key)
            if None in (own, theirs):
                continue
            words = f"the {what} is {str(theirs)[:60]!r}"
            verdict = Judgement.SUPPORTED if own == theirs else Judgement.UNSUPPORTED
            yield Check(verdict, words, f"in {first.name} it is {str(own)[:60]!r}", other.name, other.where)
