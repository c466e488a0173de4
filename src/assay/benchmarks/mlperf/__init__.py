"""MLPerf Inference's rules as data: seeds by round, durations, limits, counts, quality targets, compliance tests."""

from assay.benchmarks.mlperf.facts import LlmFacts, llm_facts
from assay.benchmarks.mlperf.rules import (
    COMPLIANCE,
    EARLY_STOPPING_CONFIDENCE,
    MIN_DURATION_NS,
    ROUND,
    RULES,
    SEED_KEYS,
    round_of_client_seeds,
    round_of_seeds,
    seeds,
)

__all__ = [
    "COMPLIANCE",
    "EARLY_STOPPING_CONFIDENCE",
    "MIN_DURATION_NS",
    "ROUND",
    "RULES",
    "SEED_KEYS",
    "LlmFacts",
    "llm_facts",
    "round_of_client_seeds",
    "round_of_seeds",
    "seeds",
]
