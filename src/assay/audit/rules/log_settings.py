"""LoadGen's settings are the rules'."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import Origin, RunEvidence
from assay.audit.registry import Check, contradicted, run_rule, supported, unsupported
from assay.benchmarks.mlperf import NETWORK_SUT_WORDS, SEED_KEYS, LlmFacts, round_of_seeds
from assay.runs import LoadgenDetail

_FIRST_KNOWN_LOADGEN = 3


@run_rule(
    "log-settings",
    explain="""
A run that is called VALID for MLPerf was made with the rules' settings, as LoadGen's detail log shows them: the three
random seeds of one round (3.0 to 6.1; an accuracy run's bind nothing), no forced repetition of samples
(performance_issue_same, _unique), LoadGen in the mode of its folder; and for a language model's Server and Interactive
runs token latencies on. In the closed division the samples that LoadGen draws from are the whole data set, each is
asked as often as every other (sample_concatenate_permutation), and an Offline query has at least as many. In the
network division LoadGen was told of a "Network SUT".
(min_duration is the rule too-short's, the latency limits are latency-limits'.)
""",
    source="mlperf.conf of each round; MLPerf submission checker",
)
def check(run: RunEvidence) -> Iterator[Check]:
    if not run.claims_mlperf or run.detail is None or not run.detail.effective:
        return
    if run.performance:  # an accuracy run's seeds bind nothing: it asks for every sample
        yield from _seeds(run)
    effective = run.detail.effective
    for key in ("performance_issue_same", "performance_issue_unique"):
        if effective.get(key):
            yield contradicted(f"{key} is on", "samples must be drawn as the rules say")
    if run.division == "network" and run.performance and (named := run.detail.values.get("sut_name")) is not None:
        words, sums = (
            f"the system under test is called {str(named)[:60]!r}",
            f"over a network it has {NETWORK_SUT_WORDS!r} in its name",
        )
        yield supported(words, sums) if NETWORK_SUT_WORDS in str(named) else contradicted(words, sums)
    if run.rules is not None:
        yield from _benchmark(run, run.rules)


def _seeds(run: RunEvidence) -> Iterator[Check]:
    assert run.detail is not None
    seeds = tuple(run.detail.effective.get(key) for key in SEED_KEYS)
    major = (run.detail.loadgen_version or "0").split(".")[0]
    if None in seeds or not major.isdigit() or int(major) < _FIRST_KNOWN_LOADGEN:
        return
    words = f"seeds {', '.join(map(str, seeds))}"
    known = round_of_seeds(tuple(int(seed) for seed in seeds if isinstance(seed, int)))
    if known:
        yield supported(words, f"those of MLPerf Inference {known}")
    elif run.origin is Origin.LOADGEN:
        yield unsupported(words, "no round of MLPerf Inference has them: not an MLPerf run")
    else:
        yield contradicted(words, "no round of MLPerf Inference has them")


def _benchmark(run: RunEvidence, facts: LlmFacts) -> Iterator[Check]:
    assert run.detail is not None
    effective, requested = run.detail.effective, run.detail.requested
    if facts.token_latencies and facts.limits(run.scenario) and run.performance:
        on = requested.get("use_token_latencies")
        if on is False:
            yield contradicted("token latencies are off", f"{facts.name} is judged by TTFT and TPOT")
        elif on:
            yield supported("token latencies are on", f"{facts.name} is judged by TTFT and TPOT")
    whole = facts.samples if run.performance else facts.scored_samples
    if run.division == "open" or whole is None:
        return
    drawn = _drawn(run.detail, "performance_sample_count" if run.performance else "accuracy_sample_count")
    if drawn is not None:
        words = f"LoadGen {'draws from' if run.performance else 'asks for'} {drawn} samples"
        sums = f"the data set has {whole}"
        yield supported(words, sums) if drawn >= whole else contradicted(words, sums)
    equal = effective.get("sample_concatenate_permutation")
    if equal is not None and run.performance and run.origin is Origin.SUBMISSION:
        words = f"sample_concatenate_permutation is {'on' if equal else 'off'}"
        sums = f"{facts.name} asks each sample as often as every other"
        yield supported(words, sums) if equal else contradicted(words, sums)
    query = run.detail.generated_samples_per_query
    offline = effective.get("scenario") == "Offline"  # on edge systems its result may be inferred from another's run
    if offline and query is not None and run.performance:
        words = f"an Offline query of {query} samples"
        sums = f"the rules ask for at least {whole}"
        yield supported(words, sums) if query >= whole else contradicted(words, sums)


def _drawn(detail: LoadgenDetail, setting: str) -> int | None:
    """The samples that there were: a setting may ask for more than the data set has, LoadGen takes what there is."""
    counts = (detail.effective.get(setting), detail.values.get("qsl_reported_total_count"))
    return min((count for count in counts if isinstance(count, int)), default=None)
