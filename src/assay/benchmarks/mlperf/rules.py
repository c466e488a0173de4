"""What the rules ask of every run, whatever it measures."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from assay.safe_yaml import read_yaml

ROUND = "v6.1"
"""The round whose rules runs are held to; LoadGen 6.0.17 has its seeds built in."""
SERIES = "MLPerf Inference"
RULES = f"{SERIES} {ROUND}"
MIN_DURATION_NS = 600_000_000_000
"""Shortest measured time of a performance run (inference_rules.adoc, 'minimum duration')."""
EARLY_STOPPING_CONFIDENCE = 0.99
"""Of a tail percentile's bound (inference_rules.adoc, early stopping; LoadGen's early_stopping.cc)."""
NETWORK_SUT_WORDS = "Network SUT"
"""Of LoadGen's `sut_name` in a run over a network (the checker's constants)."""
SEED_KEYS = ("qsl_rng_seed", "sample_index_rng_seed", "schedule_rng_seed")

# compliance/TEST06/audit.config of the round: a performance run (mode 2) that logs about 100 answers, of 100 queries or
# more, drawn at random instead of in whole epochs, for as long as they take. Its verdict is on the answers;
# speed and LoadGen's own VALID are no part of it.
# compliance/TEST09/gpt-oss-120b/audit.config likewise, but every sample of the performance data once, and all logged;
# and compliance/TEST07/gpt-oss-120b/audit.config, of a data set of its own.
COMPLIANCE: dict[str, dict[str, int]] = {
    "TEST06": {
        "mode": 2,
        "accuracy_log_rng_seed": 720381539243781796,
        "accuracy_log_sampling_target": 100,
        "min_query_count": 100,
        "min_duration": 0,
        "sample_concatenate_permutation": 0,
    },
    "TEST07": {
        "mode": 2,
        "accuracy_log_rng_seed": 720381539243781796,
        "accuracy_log_sampling_target": 990,
        "min_query_count": 990,
        "min_duration": 0,
        "performance_issue_unique": 1,
        "sample_concatenate_permutation": 0,
    },
    "TEST09": {
        "mode": 2,
        "accuracy_log_rng_seed": 720381539243781796,
        "accuracy_log_sampling_target": 10000,
        "min_query_count": 6396,
        "min_duration": 0,
        "performance_issue_unique": 1,
        "sample_concatenate_permutation": 0,
    },
}


def seeds(of_round: str = ROUND) -> dict[str, int]:
    """A round's three seeds by LoadGen's names for them."""
    return dict(zip(SEED_KEYS, _rounds()[of_round], strict=True))


def round_of_seeds(found: tuple[int, ...]) -> str | None:
    """The round whose three seeds, in the order of `SEED_KEYS`, these are."""
    return next((name for name, known in _rounds().items() if known == found), None)


def round_of_client_seeds(sample_index: int | None, schedule: int | None) -> str | None:
    """The round by the two seeds that the client of MLPerf Endpoints has."""
    return next((name for name, known in _rounds().items() if known[1:] == (sample_index, schedule)), None)


@cache
def _rounds() -> dict[str, tuple[int, ...]]:
    data = read_yaml(Path(__file__).with_name("rounds.yaml")).data
    return {name: tuple(values) for name, values in data["seeds"].items()}
