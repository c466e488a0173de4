"""MLPerf's facts by benchmark, round and scenario are those of the submission checker."""

from __future__ import annotations

import pytest

from assay.benchmarks.mlperf import llm_facts, round_of_seeds, seeds

MS = 1_000_000

# The checker's constants: samples, samples scored, [TTFT, TPOT] in Server and in Interactive, and lower bounds.
CHECKER = {
    ("llama3.1-8b", "v6.1"): (13_368, 13_368, (2000, 100), (500, 30), {"rouge1": 38.391408, "gen_len": 7_350_879.6}),
    ("llama3.1-8b-edge", "v5.1"): (5_000, 5_000, None, None, {"rouge2": 15.953553, "gen_len": 2_746_001.7}),
    ("llama2-70b-99", "v4.1"): (24_576, 24_576, (2000, 200), None, {"rouge1": 43.986888, "tokens_per_sample": 265.005}),
    ("llama2-70b-99.9", "v6.1"): (24_576, 24_576, (2000, 200), (450, 40), {"rougeL": 28.5875838}),
    ("llama3.1-405b", "v5.0"): (8_313, 8_313, (6000, 175), None, {"exact_match": 89.232165}),
    ("llama3_1-405b", "v6.0"): (8_313, 8_313, (6000, 175), (4500, 80), {"rougeL": 21.449934}),
    ("mixtral-8x7b", "v4.1"): (15_000, 15_000, (2000, 200), None, {"gsm8k": 73.0422, "rouge1": 45.036189}),
    ("mixtral-8x7b", "v5.1"): (15_000, 15_000, (2000, 200), None, {"mbxp": 59.5584, "tokens_per_sample": 130.356}),
    ("deepseek-r1", "v5.1"): (4_388, 4_388, (2000, 80), None, {"exact_match": 80.544618}),
    ("deepseek-r1", "v6.0"): (4_388, 4_388, (2000, 80), (1500, 15), {"tokens_per_sample": 3497.60466}),
    ("gpt-oss-120b", "v6.0"): (6_396, 4_395, (3000, 80), (2000, 15), {"exact_match": 82.2987}),
    ("gptj-99.9", "v4.1"): (13_368, 13_368, None, None, {"rouge1": 42.9435135, "gen_len": 3_615_190.2}),
    ("whisper", "v5.1"): (1_633, 1_633, None, None, {"accuracy": 96.953571}),
    ("qwen3-vl-235b-a22b", "v6.0"): (48_289, 48_289, None, None, {"f1": 0.782397}),
    ("e2e-rag-qna", "v6.1"): (824, 824, None, None, {"accuracy": 33.95}),
}


@pytest.mark.parametrize(("name", "of_round"), CHECKER)
def test_counts_limits_and_targets(name: str, of_round: str) -> None:
    samples, scored, server, interactive, least = CHECKER[name, of_round]
    facts = llm_facts(name, of_round)
    assert facts is not None
    assert (facts.samples, facts.scored_samples) == (samples, scored)
    for scenario, limits in (("Server", server), ("interactive", interactive), ("Offline", None)):
        assert facts.limits(scenario) == (limits and tuple(limit * MS for limit in limits))
    assert {metric: facts.targets[metric][0] for metric in least} == pytest.approx(least)


def test_facts_that_differ_by_scenario() -> None:
    server, interactive = (llm_facts("qwen3-vl-235b-a22b", "v6.1", name) for name in ("Server", "interactive"))
    assert server is not None
    assert interactive is not None
    assert (server.samples, interactive.samples) == (48_289, 8_000)
    assert interactive.targets["f1"][0] == pytest.approx(0.779922)
    assert (server.latency_limit_ns("Server"), interactive.latency_limit_ns("Interactive")) == (12_000 * MS, 1_500 * MS)
    assert not server.token_latencies


def test_what_few_benchmarks_have() -> None:
    gpt, rag, llama = (llm_facts(name, "v6.1") for name in ("gpt-oss-120b", "e2e-rag-db", "llama3.1-8b"))
    assert gpt is not None
    assert rag is not None
    assert llama is not None
    assert (gpt.compliance, gpt.mean_output_tokens) == (("TEST07", "TEST09"), (1150.38, 1406.02))
    assert gpt.timed_accuracy == ("exact_match", 60.698)
    assert (rag.min_duration_ns, llama.min_duration_ns) == (0, 600 * 10**9)
    assert (llama.compliance, llama.mean_output_tokens) == (("TEST06",), None)


def test_an_unknown_round_has_the_loosest_of_all_targets() -> None:
    facts = llm_facts("mixtral-8x7b")
    assert facts is not None
    assert facts.targets["rouge1"][0] == pytest.approx(45.4911 * 0.99)
    assert facts.targets["gsm8k"][0] == pytest.approx(73.66 * 0.99)
    assert facts.targets["tokens_per_sample"][1] == pytest.approx(145.9 * 1.1, rel=1e-6)


def test_seeds_tell_the_round() -> None:
    for of_round in ("v4.1", "v5.0", "v5.1", "v6.0", "v6.1"):
        assert round_of_seeds(tuple(seeds(of_round).values())) == of_round
    assert round_of_seeds((0, 0, 0)) is None


def test_what_a_submission_needs() -> None:
    llama, edge, two, rag = (
        llm_facts(name, "v6.1") for name in ("llama3.1-8b", "llama3.1-8b-edge", "llama2-70b", "e2e-rag-db")
    )
    assert llama is not None
    assert edge is not None
    assert two is not None
    assert rag is not None
    assert llama.needed == two.needed == (("Offline",), ("Server", "Interactive"))
    assert edge.needed == (("SingleStream",), ("Offline",))
    assert rag.needed == ()
    assert (llama.folder, two.folder) == ("llama3.1-8b", "llama2-70b-99.9")
    assert (llama.suite, edge.suite) == ("datacenter", "edge")
    assert "v6.1" in llama.rounds
