"""A submission's benchmarks and seeds are the round's, and a closed one has the scenarios that its benchmark needs."""

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


@evidence_rule(
    "submitted-round",
    explain="""
Of a tree that is said to be a whole submission: its performance runs have the random seeds of the round that it is
submitted to, and its benchmarks are of that round. Of a benchmark of which no rules are known, and an unknown name in
the open division that model_mapping.json doesn't give another for, only what holds of any run is judged.
""",
    source="MLPerf submission checker: seeds, benchmarks and model mapping of each round",
)
def check_round(evidence: Evidence) -> Iterator[Check]:
    if evidence.submitted_to is None:
        return
    for run in evidence.runs:
        if run.performance and run.claims_mlperf and run.of_round is not None:
            own = run.of_round == evidence.submitted_to
            verdict = Judgement.SUPPORTED if own else Judgement.CONTRADICTED
            sums = f"it is judged as a submission to {evidence.submitted_to}"
            yield Check(verdict, f"seeds of {run.of_round}", sums, run.name, run.where)
    for submitter in evidence.submitters:
        for result in submitter.results:
            yield from _benchmark(result, evidence.submitted_to)


def _benchmark(result: ResultFolder, of_round: str) -> Iterator[Check]:
    name = f"{result.name}/benchmark"
    if result.rules is None:
        sums = "no rules of it are known; what holds of any run was judged"
        yield Check(Judgement.UNSUPPORTED, f"a result of {result.benchmark}", sums, name, result.where)
    elif result.rules.rounds and of_round not in result.rules.rounds:
        sums = f"results of it were submitted to {', '.join(result.rules.rounds)}, and not to {of_round}"
        yield Check(Judgement.CONTRADICTED, f"a result of {result.benchmark}", sums, name, result.where)
