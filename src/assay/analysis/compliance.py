"""What a compliance test holds against the answers of its run, and the verdict that is submitted."""

from __future__ import annotations

from collections.abc import Mapping

from assay.benchmarks import Benchmark
from assay.benchmarks.mlperf import llm_facts
from assay.errors import AssayError
from assay.runs import RunFolder, RunRecord
from assay.scoring import (
    Test06,
    Test07,
    Test09,
    read_logged_answers,
    verify_test06,
    verify_test07,
    verify_test09,
)


def judge_test(
    folder: RunFolder, record: RunRecord, benchmark: Benchmark, scores: Mapping[str, float] | None = None
) -> Test06 | Test07 | Test09:
    """The verdict on a run of a compliance test; `scores` are what another program made of its answers.

    Raises AssayError where its answers can't be judged.
    """
    answers = read_logged_answers(folder.loadgen_accuracy)
    if record.compliance == "TEST07":
        facts = llm_facts(benchmark.name)
        samples = benchmark.in_mode("performance", "TEST07").dataset.total_sample_count
        if facts is None or facts.timed_accuracy is None or samples is None:
            raise AssayError(f"nothing is asked of the scores of {benchmark.name}'s timed answers")
        return verify_test07(answers, samples, facts.timed_accuracy, scores or {}, benchmark.unscored)
    if record.compliance == "TEST09":
        facts = llm_facts(benchmark.name)
        if facts is None or facts.mean_output_tokens is None or facts.samples is None:
            raise AssayError(f"nothing is asked of the lengths of {benchmark.name}'s answers")
        return verify_test09(answers, facts.samples, facts.mean_output_tokens)
    if not benchmark.stop_token_ids:
        raise AssayError(f"{benchmark.name} doesn't say which tokens end an answer (stop_token_ids)")
    return verify_test06(answers, record.scenario, benchmark.stop_token_ids)


def failures(
    folder: RunFolder, record: RunRecord, benchmark: Benchmark, scores: Mapping[str, float] | None = None
) -> tuple[str, ...]:
    """Why a run doesn't pass the compliance test that it is; empty: it does, or it is none. `scores` likewise."""
    test = record.compliance
    if test is None:
        return ()
    try:
        found = judge_test(folder, record, benchmark, scores)
    except AssayError as error:
        return (f"{test}: {error}",)
    return tuple(f"{test}: {reason}" for reason in found.failed_checks)
