"""Parts of a benchmark's definition that the rules fix."""

from __future__ import annotations

from assay.benchmarks.mlperf.facts import LlmFacts, llm_facts
from assay.benchmarks.mlperf.rules import MIN_DURATION_NS, ROUND, SERIES
from assay.benchmarks.model import LoadgenScenario, QualityTargets, ScenarioSpec
from assay.runs.scenarios import LoadgenDriven


def facts_of(name: str) -> LlmFacts:
    """The current round's facts of a benchmark that is in the table; of one that it no longer has, the last round's."""
    facts = llm_facts(name, ROUND)
    assert facts is not None, name
    return facts


def scenario_of(facts: LlmFacts, scenario: LoadgenDriven, loadgen_model: str) -> ScenarioSpec:
    """A scenario under the rules: whole passes over the data for 600 s or longer, and its limits where it has any."""
    assert facts.samples is not None
    ttft, tpot = facts.limits_ns.get(scenario, (None, None))
    return ScenarioSpec(
        loadgen_model=loadgen_model,
        loadgen_scenario=_LOADGEN[scenario],
        min_duration_ns=MIN_DURATION_NS,
        min_query_count=facts.samples,
        ttft_limit_ns=ttft,
        tpot_limit_ns=tpot,
    )


def quality_of(facts: LlmFacts) -> QualityTargets:
    """The checker's targets."""
    assert facts.scored_samples is not None
    checker = f"submission checker of {SERIES} {facts.last_round} (mlcommons/inference b66003e1, tools/submission)"
    return QualityTargets(
        targets=facts.targets,
        reference=facts.reference,
        samples=facts.scored_samples,
        source=f"{checker}: what the reference implementation scored, and how much of it must be reached",
    )


# Interactive is LoadGen's Server with other limits.
_LOADGEN: dict[LoadgenDriven, LoadgenScenario] = {
    "Offline": "Offline",
    "Server": "Server",
    "Interactive": "Server",
    "SingleStream": "SingleStream",
}
