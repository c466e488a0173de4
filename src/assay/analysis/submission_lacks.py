"""What MLPerf asks of a benchmark's results beyond single runs: the same words on a page and in a refusal."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from assay.benchmarks.mlperf import COMPLIANCE, llm_facts

OPEN = "open"


def missing_tests(benchmark: str, of_round: str, division: str, present: Collection[str]) -> Iterator[str]:
    """Compliance tests that a result lacks; the open division asks for none."""
    facts = llm_facts(benchmark, of_round)
    for test in facts.compliance if facts and division != OPEN else ():
        how = f"campaign.compliance: [{test}]" if test in COMPLIANCE else "Assay doesn't carry it out"
        if test not in present:
            yield f"there is no {test} run, which {division} asks for ({how})"


def missing_scenarios(benchmark: str, of_round: str, division: str, present: Collection[str]) -> Iterator[str]:
    """Scenarios that a benchmark lacks, whatever else is submitted; the open division takes any one."""
    facts = llm_facts(benchmark, of_round)
    for group in facts.needed if facts and division != OPEN else ():
        if not set(present) & set(group):
            yield f"{benchmark} needs {' or '.join(group)} in the {division} division"


def not_of_round(benchmark: str, of_round: str) -> Iterator[str]:
    """That a round doesn't know the benchmark."""
    facts = llm_facts(benchmark, of_round)
    if facts is None or of_round not in facts.rounds:
        yield f"{benchmark} is no benchmark of {of_round}"
