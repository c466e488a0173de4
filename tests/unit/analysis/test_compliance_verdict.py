"""What a compliance test holds against the answers of its run stands in that run's verdict."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.synthetic import Plan, write_run

from assay.analysis.verdict import Case, judge
from assay.benchmarks import run_benchmark
from assay.runs import read_ledger, read_record
from assay.runs.result import LoadgenVerdict


def test_answers_that_fail_their_test_are_a_reason(tmp_path: Path) -> None:
    folder = write_run(tmp_path, Plan(samples=200))
    record = read_record(folder).model_copy(update={"compliance": "TEST06"})
    ledger = read_ledger(folder)
    loadgen = LoadgenVerdict(result="VALID")
    case = Case(record, ledger, run_benchmark(folder), loadgen, None, {}, None, ledger.completed)
    failed = judge(replace(case, compliance=("first tokens differ",)))
    assert "first tokens differ" in failed.reasons
    assert not failed.valid
    assert "first tokens differ" not in judge(case).reasons
