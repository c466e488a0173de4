"""TEST06 runs of the real LoadGen: judged by the compliance test's own rules, not by those of a performance run."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from tests.simulated import make_plan, simulators
from tests.synthetic import Plan, write_run

from assay.analysis.compliance import failures
from assay.analysis.mlperf_rules import departures
from assay.analysis.verdict import Case, judge, read_loadgen
from assay.benchmarks import get_benchmark
from assay.campaign.compliance import audit_config
from assay.campaign.load_process import run_load
from assay.config import load_config
from assay.load.closing import close_load
from assay.runs import RunEntry, RunFolder, RunRecord
from assay.runs.scenarios import Scenario

BENCHMARK = get_benchmark("llama3.1-8b")
WHOLE = 13_368


def compliance_run(folder: Path, scenario: Scenario, extra: str = "") -> Case:
    """A run of LoadGen with the official settings and TEST06's `audit.config`, in which a later line wins."""
    run = RunFolder(folder / "run")
    with simulators(folder, [["--output-tokens", "4"]]) as urls:
        loadgen = {"official": True, "own_sample_count": False, "target_qps": 400.0}
        plan = make_plan(run.path, urls, scenario, samples=WHOLE, loadgen=loadgen)
        run.path.mkdir()
        entry = RunEntry(key="t", scenario=scenario, mode="performance", nodes=["a"], compliance="TEST06")
        run.audit_config.write_text((audit_config(entry, load_config(None)) or "") + extra)
        asyncio.run(run_load(plan, run, 60, lambda _: None))
    ledger = close_load(run, plan)
    written = write_run(folder, Plan(scenario=scenario, samples=20, official=True, qps=10.0))
    facts = RunRecord.model_validate_json(written.record.read_bytes())
    record = facts.model_copy(update={"compliance": "TEST06", "simulated": False, "client": type(facts.client)()})
    tested = failures(run, record, BENCHMARK)
    return Case(record, ledger, BENCHMARK, *read_loadgen(run), {}, None, ledger.completed, (), tested)


@pytest.mark.parametrize("scenario", ["Offline", "Server"])
def test_a_run_of_a_hundred_queries_is_as_its_rules_ask(tmp_path: Path, scenario: Scenario) -> None:
    case = compliance_run(tmp_path, scenario)
    assert case.ledger is not None
    assert case.ledger.issued == 100
    verdict = judge(case)
    assert verdict.valid, verdict.reasons
    assert verdict.words.startswith("TEST06 run, passed")
    assert not judge(replace(case, compliance=("TEST06: EOS check fails",))).valid
    assert case.detail is not None
    as_performance = departures(case.detail, BENCHMARK.scenarios[scenario], "performance", WHOLE)
    assert any("min_duration_ms is 0" in words for words in as_performance)
    plain = replace(case, record=case.record.model_copy(update={"compliance": None}))
    assert not judge(plain).valid, "without the mark the same settings are no performance run's"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("*.*.accuracy_log_sampling_target = 10", "accuracy_log_sampling_target is 10, TEST06 asks for 100"),
        ("*.*.min_query_count = 50", "min_query_count is 50, the rules ask for at least 100"),
    ],
)
def test_other_settings_are_named(tmp_path: Path, line: str, words: str) -> None:
    verdict = judge(compliance_run(tmp_path, "Server", line + "\n"))
    assert not verdict.valid
    assert any(words in reason for reason in verdict.reasons), verdict.reasons
