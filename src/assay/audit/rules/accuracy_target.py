"""A target that is said to be reached is reached by the scores."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import RunEvidence
from assay.audit.facts import benchmark_facts
from assay.audit.registry import Check, contradicted, impossible, run_rule, supported


@run_rule(
    "accuracy-target",
    explain="""
    each ROUGE score >= 0.99 x the reference's

for the benchmark's own reference scores, in percent and between 0 and 100. The open division sets no target.
""",
    source="MLPerf submission checker, accuracy targets of the benchmark",
)
def check(run: RunEvidence) -> Iterator[Check]:
    facts = benchmark_facts(run.benchmark)
    for name, score in run.quality.scores.items():
        words = f"{name} {score:g}"
        if not 0 <= score <= 100:
            yield impossible(words, "an F-measure in percent lies between 0 and 100")
        elif facts and run.quality.passed and run.division != "open" and name in facts.scores:
            least = facts.scores[name] * facts.min_ratio
            sums = f"{score:g} against {facts.min_ratio:g} x {facts.scores[name]:g} = {least:.4f}"
            yield supported(words, sums) if score >= least else contradicted(words, sums)
