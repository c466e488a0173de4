"""A closed submission has the scenarios that its benchmark needs, and seeds of the round that it is for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from assay.audit.evidence import Evidence
from assay.audit.registry import Check, evidence_rule
from assay.audit.submitters import ResultFolder, Submitter
from assay.audit.verdicts import Judgement


@evidence_rule(
    "needed-scenarios",
    explain="""
Of a tree that is said to be a whole submission: in the closed and network divisions a system that is measured with a
benchmark is measured in each scenario that is asked for (llama3.1-8b: Offline, and Server or Interactive), and in no
other. In the open division one is enough.
""",
    source="MLPerf submission checker: required and optional scenarios (v6.0, v6.1)",
)
def check(evidence: Evidence) -> Iterator[Check]:
    for submitter in evidence.submitters:
        if submitter.division != "open":
            yield from _scenarios(submitter)


def _scenarios(submitter: Submitter) -> Iterator[Check]:
    by_benchmark: dict[tuple[str, str], list[ResultFolder]] = defaultdict(list)
    for result in submitter.results:
        by_benchmark[result.system, result.benchmark].append(result)
    for results in by_benchmark.values():
        first = results[0]
        if first.rules is None or not first.rules.needed:
            continue
        there = {result.scenario.lower() for result in results}
        for group in first.rules.needed:
            words = f"measured in {' or '.join(group)}"
            found = there & {scenario.lower() for scenario in group}
            verdict = Judgement.SUPPORTED if found else Judgement.UNSUPPORTED
            yield Check(verdict, words, f"there are {', '.join(sorted(there))}", f"{first.name}/scenarios", first.where)
        known = {scenario.lower() for group in first.rules.needed for scenario in group}
        for result in results:
            if result.scenario.lower() not in known:
                sums = f"{first.rules.name} has no such scenario in the {submitter.division} division"
                yield Check(
                    Judgement.CONTRADICTED,
                    f"a result in {result.scenario}",
                    sums,
                    f"{result.name}/scenario",
                    result.where,
                )
