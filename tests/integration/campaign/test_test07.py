"""TEST07 on the data set of its own: simulated endpoints, made-up questions."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.campaigns import FAST, Quiet, config
from tests.other_benchmarks import write_gpt_oss, write_tokenizer

from assay.benchmarks import run_benchmark
from assay.campaign.runner import run_campaign
from assay.runs import RunFolder, read_detail, read_record, read_result
from assay.scoring import read_logged_answers

SAMPLES = 8


def test_test07_is_run_on_its_own_samples_each_once(tmp_path: Path, no_reports: None) -> None:
    write_tokenizer(tmp_path / "tokenizer")
    data = write_gpt_oss(tmp_path / "data", SAMPLES)
    (data / "acc/acc_eval_ref.parquet").rename(data / "acc/acc_eval_compliance_gpqa.parquet")
    settings: dict[str, Any] = {
        "benchmark": "gpt-oss-120b",
        "scenarios": ["Offline", "Server"],
        "modes": ["performance"],
        "target_qps": {"Server": 100},
        "campaign": {"kind": "official", "compliance": ["TEST07"]},
        "dataset": {"path": str(data)},
        "tokenizer": str(tmp_path / "tokenizer"),
        "engine": {**FAST, "speeds": {}},
        "cluster": {"nodes": [{"name": "node-a"}]},
    }
    outcome = asyncio.run(run_campaign(config(tmp_path, **settings), Quiet()))
    assert outcome.sound, [entry.reason for entry in outcome.state.runs]
    runs = [RunFolder(path) for path in sorted(outcome.folder.runs.iterdir())]
    assert len(runs) == 2
    for run in runs:
        record, result = read_record(run), read_result(run)
        assert result is not None
        assert (record.compliance, record.mode, record.max_tokens) == ("TEST07", "performance", 10_240)
        assert run_benchmark(run).dataset.total_sample_count == 990
        assert len(read_logged_answers(run.loadgen_accuracy)) == SAMPLES + 1
        assert read_detail(run.loadgen_detail).effective["performance_issue_unique"] is True
        assert any(reason.startswith("TEST07: to be scored with ") for reason in result.verdict.reasons)
        assert "TEST07: 9 answers were logged of 990" in result.verdict.reasons
