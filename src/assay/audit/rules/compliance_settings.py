"""A compliance run was made with its test's settings."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import Evidence, RunEvidence
from assay.audit.registry import Check, evidence_rule
from assay.audit.verdicts import Judgement
from assay.benchmarks.mlperf import COMPLIANCE

_TEST_PART = 5  # DIVISION/ORG/SYSTEM/BENCHMARK/SCENARIO/TEST06/…
_KEYS = ("accuracy_log_rng_seed", "accuracy_log_sampling_target")


@evidence_rule(
    "compliance-settings",
    explain="""
Of a tree that is said to be a whole submission: where the logs of a run of TEST06, TEST07 or TEST09 are there, LoadGen
ran it in performance mode, and drew the answers that it logged with the seed and in the number of the test's
audit.config; else they are answers of the submitter's choice. (The published checker looks at the test's own words
alone.)
""",
    source="audit.config of compliance/TEST06, TEST07/gpt-oss-120b and TEST09/gpt-oss-120b; LoadGen's detail logs",
)
def check(evidence: Evidence) -> Iterator[Check]:
    if evidence.submitted_to is None:
        return
    for run in evidence.runs:
        parts = run.name.split("/")
        if run.submission is not None and len(parts) > _TEST_PART and parts[_TEST_PART] in COMPLIANCE:
            yield from _settings(run, parts[_TEST_PART])


def _settings(run: RunEvidence, test: str) -> Iterator[Check]:
    if run.detail is None:
        return
    effective = run.detail.effective
    wanted = {"test_mode": "PerformanceOnly"} | {key: COMPLIANCE[test][key] for key in _KEYS}
    for key, value in wanted.items():
        if key in effective:
            verdict = Judgement.SUPPORTED if effective[key] == value else Judgement.CONTRADICTED
            yield Check(verdict, f"{key} is {effective[key]!r:.60}", f"{test} has {value!r}", run.name, run.where)
