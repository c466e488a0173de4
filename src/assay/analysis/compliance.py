"""What a compliance test holds against the answers of its run, and the verdict that is submitted."""

from __future__ import annotations

from assay.benchmarks import Benchmark
from assay.benchmarks.mlperf import llm_facts
from assay.errors import AssayError
from assay.runs import RunFolder, RunRecord
from assay.scoring import Test06, Test09, read_logged_answers, verify_test06, verify_test09


def judge_test(folder: RunFolder, record: RunRecord, benchmark: Benchmark) -> Test06 | Test09:
    """The verdict on a run of a compliance test. Raises AssayError where its answers can't be judged."""
    answers = read_logged_answers(folder.loadgen_accuracy)
    if record.compliance == "TEST09":
        facts = llm_facts(benchmark.name)
        if facts is None or facts.mean_output_tokens is None or facts.samples is None:
            raise AssayError(f"nothing is asked of the lengths of {benchmark.name}'s answers")
        return verify_test09(answers, facts.samples, facts.mean_output_tokens)
    if not benchmark.stop_token_ids:
        raise AssayError(f"{benchmark.name} doesn't say which tokens end an answer (stop_token_ids)")
    return verify_test06(answers, record.scenario, benchmark.stop_token_ids)


def failures(folder: RunFolder, record: RunRecord, benchmark: Benchmark) -> tuple[str, ...]:
    """Why a run doesn't pass the compliance test that it is; empty: it does, or it is none."""
    test = record.compliance
    if test is None:
        return ()
    try:
        found = judge_test(folder, record, benchmark)
    except AssayError as error:
        return (f"{test}: {error}",)
    return tuple(f"{test}: {reason}" for reason in found.failed_checks)
