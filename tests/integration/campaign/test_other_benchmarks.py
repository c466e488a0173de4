"""Each benchmark of MLPerf's from its data's layout to a rehearsal's tree: simulated endpoints, made-up prompts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from tests.campaigns import FAST, Quiet, config, latest
from tests.other_benchmarks import deepseek_rows, write_rows, write_tokenizer
from tests.submissions import write_answers

from assay.benchmarks import get_benchmark
from assay.campaign.runner import run_campaign
from assay.commands.main import main
from assay.runs import CampaignFolder, RunFolder, read_model, read_record, read_result
from assay.runs.result import AccuracyResult
from assay.scoring import read_accuracy_log

SAMPLES = 8
NODE: dict[str, Any] = {"nodes": [{"name": "node-a"}]}


def measured(folder: Path, benchmark: str, data: Path, **changes: Any) -> CampaignFolder:
    """A short campaign of both modes, Offline and Interactive, carried out."""
    settings = config(
        folder,
        benchmark=benchmark,
        scenarios=["Offline", "Interactive"],
        modes=["performance", "accuracy"],
        target_qps={"Interactive": 100},
        dataset={"path": str(data)},
        tokenizer=str(write_tokenizer(folder / "tokenizer")),
        engine={**FAST, "speeds": {}},
        cluster=NODE,
        **changes,
    )
    outcome = asyncio.run(run_campaign(settings, Quiet()))
    assert outcome.sound, [entry.reason for entry in outcome.state.runs]
    return latest(folder / "results")[0]


def runs(campaign: CampaignFolder, mode: str) -> list[RunFolder]:
    folders = map(RunFolder, sorted(campaign.runs.iterdir()))
    return [folder for folder in folders if read_record(folder).mode == mode]


def submit(campaign: CampaignFolder, *words: str) -> Result:
    arguments = ["submit", str(campaign.path), "--org", "ACME", "--division", "open", "--rehearsal", *words]
    return CliRunner().invoke(main, arguments)


@pytest.mark.usefixtures("no_reports")
def test_deepseek_r1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_answers(tmp_path / "system.yaml")
    campaign = measured(tmp_path, "deepseek-r1", write_rows(tmp_path / "questions.jsonl", deepseek_rows(SAMPLES)))
    for run in runs(campaign, "performance"):
        result, record = read_result(run), read_record(run)
        assert result is not None
        assert (record.samples, record.max_tokens) == (SAMPLES, 20_000)
        assert record.simulated

    script = get_benchmark("deepseek-r1").scored_with
    words, mean = [], 0.0
    for run in runs(campaign, "accuracy"):
        result = read_result(run)
        assert result is not None
        assert f"quality gate: to be scored with {script}" in result.verdict.reasons
        assert any(script in notice and "assay submit --accuracy" in notice for notice in result.notices)
        assert read_model(run.accuracy, AccuracyResult) is None
        mean = float(np.mean([len(answer.token_ids) for answer in read_accuracy_log(run.loadgen_accuracy)]))
        words += ["--accuracy", f"{run.id}=accuracy.txt"]

    refused = submit(campaign)
    assert refused.exit_code == 1
    assert f"to be scored with {script}: then name what it prints" in refused.output

    given = f"\nResults\n\n{{'exact_match': 80.0, 'tokens_per_sample': {mean}, 'num-samples': {SAMPLES}}}\n"
    (tmp_path / "accuracy.txt").write_text(given)
    done = submit(campaign, *words)
    assert done.exit_code == 0, done.output
    results = tmp_path / "submission/open/ACME/results"
    for scenario in ("Offline", "Interactive"):
        (where,) = results.glob(f"*/deepseek-r1/{scenario}")
        assert (where / "accuracy/accuracy.txt").read_text().startswith(given.rstrip())
        assert f"Accuracy: not scored by Assay. {script} scored the answers of" in (where / "README.md").read_text()
