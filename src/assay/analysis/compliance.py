"""What a compliance test holds against the answers of its run."""

from __future__ import annotations

from assay.benchmarks import Benchmark
from assay.errors import AssayError
from assay.runs import RunFolder, RunRecord
from assay.scoring import Test06, read_logged_answers, verify_test06


def judge_test06(folder: RunFolder, record: RunRecord, benchmark: Benchmark) -> Test06:
    """The verdict on a TEST06 run. Raises AssayError where its answers can't be judged."""
    if not benchmark.stop_token_ids:
        raise AssayError(f"{benchmark.name} doesn't say which tokens end an answer (stop_token_ids)")
    return verify_test06(read_logged_answers(folder.loadgen_accuracy), record.scenario, benchmark.stop_token_ids)


def failures(folder: RunFolder, record: RunRecord, benchmark: Benchmark) -> tuple[str, ...]:
    """Why a run doesn't pass the compliance test that it is; empty: it does, or it is none."""
    test = record.compliance
    if test is None:
        return ()
    try:
        found = judge_test06(folder, record, benchmark)
    except AssayError as error:
        return (f"{test}: {error}",)
    return tuple(f"{test}: {name} fails" for name in found.failed_checks)
