"""MLPerf Inference's rules as data: seeds, durations, limits, counts, quality targets, compliance; results."""

from assay.benchmarks.mlperf.facts import LlmFacts, llm_facts
from assay.benchmarks.mlperf.published import PUBLISHED_SOURCE, PublishedResult, published_results
from assay.benchmarks.mlperf.rules import (
    COMPLIANCE,
    EARLY_STOPPING_CONFIDENCE,
    MIN_DURATION_NS,
    NETWORK_SUT_WORDS,
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
    "NETWORK_SUT_WORDS",
    "PUBLISHED_SOURCE",
    "ROUND",
    "RULES",
    "SEED_KEYS",
    "LlmFacts",
    "PublishedResult",
    "llm_facts",
    "published_results",
    "round_of_client_seeds",
    "round_of_seeds",
    "seeds",
]
