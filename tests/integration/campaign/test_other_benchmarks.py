"""Each benchmark of MLPerf's from its data's layout to a rehearsal's tree: simulated endpoints, made-up prompts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from tests.campaigns import FAST, Quiet, config
from tests.other_benchmarks import deepseek_rows, long_context_rows, write_gpt_oss, write_rows, write_tokenizer
from tests.submissions import write_answers

from assay.audit import audit_path
from assay.benchmarks import get_benchmark, run_benchmark
from assay.campaign.prepare import prepare
from assay.campaign.runner import run_campaign
from assay.commands.main import main
from assay.config import Config
from assay.errors import UserError
from assay.runs import CampaignFolder, RunFolder, read_model, read_record, read_result
from assay.runs.result import AccuracyResult
from assay.runs.scenarios import Mode
from assay.scoring import read_accuracy_log, read_accuracy_txt

SAMPLES = 8
NODE: dict[str, Any] = {"nodes": [{"name": "node-a"}]}


def settings(folder: Path, benchmark: str, data: Path, modes: Sequence[str]) -> Config:
    """A short campaign, Offline and Interactive."""
    return config(
        folder,
        benchmark=benchmark,
        scenarios=["Offline", "Interactive"],
        modes=list(modes),
        target_qps={"Interactive": 100},
        dataset={"path": str(data)},
        tokenizer=str(folder / "tokenizer"),
        engine={**FAST, "speeds": {}},
        cluster=NODE,
    )


def measured(folder: Path, benchmark: str, data: Path, *modes: str) -> CampaignFolder:
    """Such a campaign, carried out."""
    settings_ = settings(folder, benchmark, data, modes)
    outcome = asyncio.run(run_campaign(settings_, Quiet()))
    assert outcome.sound, [entry.reason for entry in outcome.state.runs]
    return outcome.folder


def runs(campaign: CampaignFolder, mode: str) -> list[RunFolder]:
    folders = map(RunFolder, sorted(campaign.runs.iterdir()))
    return [folder for folder in folders if read_record(folder).mode == mode]


def submit(campaigns: Sequence[CampaignFolder], *words: str) -> Result:
    paths = [str(campaign.path) for campaign in campaigns]
    arguments = ["submit", *paths, "--org", "ACME", "--division", "open", "--rehearsal", *words]
    return CliRunner().invoke(main, arguments)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_reports: None) -> Path:
    """A folder with a tokenizer and the answers that a submission asks for."""
    monkeypatch.chdir(tmp_path)
    write_answers(tmp_path / "system.yaml")
    write_tokenizer(tmp_path / "tokenizer")
    return tmp_path


def test_deepseek_r1(here: Path) -> None:
    data = write_rows(here / "questions.jsonl", deepseek_rows(SAMPLES))
    campaign = measured(here, "deepseek-r1", data, "performance", "accuracy")
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
        (answers,) = [found for found in audit_path(run.path).findings if found.rule == "accuracy-answers"]
        assert (answers.clean, answers.statement) == (True, "the answers are those of LoadGen's log")
        mean = float(np.mean([len(answer.token_ids) for answer in read_accuracy_log(run.loadgen_accuracy)]))
        words += ["--accuracy", f"{run.id}=accuracy.txt"]

    refused = submit([campaign])
    assert refused.exit_code == 1
    assert f"to be scored with {script}: then name what it prints" in refused.output

    given = f"\nResults\n\n{{'exact_match': 80.0, 'tokens_per_sample': {mean}, 'num-samples': {SAMPLES}}}\n"
    (here / "accuracy.txt").write_text(given)
    done = submit([campaign], *words)
    assert done.exit_code == 0, done.output
    results = here / "submission/open/ACME/results"
    for scenario in ("Offline", "Interactive"):
        (where,) = results.glob(f"*/deepseek-r1/{scenario}")
        assert (where / "accuracy/accuracy.txt").read_text().startswith(given.rstrip())
        assert f"Accuracy: not scored by Assay. {script} scored the answers of" in (where / "README.md").read_text()


def test_gpt_oss_120b(here: Path) -> None:
    data = write_gpt_oss(here / "data", SAMPLES)
    with pytest.raises(UserError, match=r"gpt-oss-120b's accuracy runs have samples of their own.* set modes to"):
        asyncio.run(run_campaign(settings(here, "gpt-oss-120b", data, ["performance", "accuracy"]), Quiet()))
    timed = measured(here, "gpt-oss-120b", data, "performance")
    scored = measured(here, "gpt-oss-120b", data, "accuracy")
    for campaign, samples, most in ((timed, SAMPLES, 10_240), (scored, SAMPLES + 1, 32_768)):
        for run in map(RunFolder, campaign.runs.iterdir()):
            record = read_record(run)
            assert (record.samples, record.issued, record.max_tokens) == (samples, samples, most)
            assert run_benchmark(run).dataset.total_sample_count == (6_396 if campaign is timed else 4_395)

    (here / "accuracy.txt").write_text(
        "FINAL SCORE: 83.13%\n\n\nPrinting for submission_checker:\n\n'exact_match': 83.130\n"
    )
    words = [word for run in runs(scored, "accuracy") for word in ("--accuracy", f"{run.id}=accuracy.txt")]
    done = submit([timed, scored], *words)
    assert done.exit_code == 0, done.output
    assert " differ in " not in done.output
    for scenario in ("Offline", "Interactive"):
        (where,) = (here / "submission/open/ACME/results").glob(f"*/gpt-oss-120b/{scenario}")
        assert "'exact_match': 83.130" in (where / "accuracy/accuracy.txt").read_text()
        readme = (where / "README.md").read_text()
        assert "Data set: perf_eval_ref.parquet (unverified copy), 8 samples" in readme
        assert "Accuracy was measured on other samples" in readme
        assert "Data set: acc_eval_ref.parquet (unverified copy), 9 samples" in readme


@pytest.mark.parametrize(("mode", "most"), [("performance", 10_240), ("accuracy", 32_768)])
def test_tokens_are_drawn_where_the_benchmark_says_so(here: Path, mode: Mode, most: int) -> None:
    data = write_gpt_oss(here / "data", SAMPLES)
    benchmark = get_benchmark("gpt-oss-120b").in_mode(mode)
    prepared = prepare(settings(here, "gpt-oss-120b", data, [mode]), benchmark, "m", here, lambda told: None)
    bodies = prepared.bodies.read_bytes()
    assert b'"temperature":1.0,"top_p":1.0' in bodies
    assert b'"temperature":0.0' not in bodies
    assert f'"max_tokens":{most}'.encode() in bodies


def test_llama3_1_405b(here: Path) -> None:
    data = write_rows(here / "long.jsonl", long_context_rows(SAMPLES))
    campaign = measured(here, "llama3.1-405b", data, "performance", "accuracy")
    for run in runs(campaign, "performance") + runs(campaign, "accuracy"):
        result = read_result(run)
        assert result is not None
        assert read_record(run).max_tokens == 2_000
        gone = "MLPerf Inference v6.1 has no llama3.1-405b; v6.0 was the last round that had it"
        assert gone in result.verdict.reasons
    for run in runs(campaign, "accuracy"):
        accuracy = read_model(run.accuracy, AccuracyResult)
        assert accuracy is not None
        assert list(accuracy.scores) == ["rougeL", "exact_match", "gen_len", "gen_tok_len", "tokens_per_sample"]
        found, samples = read_accuracy_txt(run.accuracy_txt.read_text())
        assert samples == SAMPLES
        assert found == {name: score.value for name, score in accuracy.scores.items()}
        lines = [json.loads(line) for line in run.answers.read_text().splitlines()]
        assert {line["metric"]: sorted(line.keys() & found.keys()) for line in lines} == {
            "rouge": ["rougeL"], "qa_em": ["exact_match"], "niah_em": ["exact_match"],
        }  # fmt: skip
        report = audit_path(run.path)
        assert [
            finding.rule for finding in report.findings if finding.rule == "accuracy-answers" and not finding.clean
        ] == []
    done = submit([campaign])
    assert done.exit_code == 0, done.output
    assert "llama3.1-405b is no benchmark of v6.1" in done.output
