"""A run folder holds its benchmark: what was made with a user's own file is read without that file."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from jsonschema import validate
from tests.campaigns import FAST, Quiet, config, reopen

from assay.audit import Judgement, audit_path
from assay.benchmarks import benchmark_json_schema, get_benchmark, run_benchmark
from assay.campaign.runner import resume_campaign, run_campaign
from assay.campaign.state import resumed_config
from assay.commands.main import main
from assay.commands.terminal import Terminal
from assay.config import Config
from assay.errors import UserError
from assay.runs import CampaignFolder, RunFolder, read_campaign, read_model, write_json
from assay.runs.result import AccuracyResult

RECORDED = Path(__file__).resolve().parents[2] / "recorded" / "campaign-before-benchmark-json"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `bench.yaml` and two repeats of one run of the benchmark that it defines."""
    folder = tmp_path_factory.mktemp("made-here")
    definition = get_benchmark("smollm2-135m").model_dump(mode="json")
    definition |= {"name": "mine", "title": "My own articles", "quality": None}
    (folder / "bench.yaml").write_text(yaml.safe_dump(definition))
    with contextlib.chdir(folder), pytest.MonkeyPatch.context() as patch:
        settings = config(
            folder,
            benchmark="bench.yaml",
            campaign={"repeats": 2},
            cluster={"nodes": [{"name": "node-a"}]},
            engine={**FAST, "speeds": {}},
        )
        patch.setattr("assay.campaign.runner.render_reports", lambda *_: [])
        outcome = asyncio.run(run_campaign(settings, Quiet()))
    assert outcome.sound, [entry.reason for entry in outcome.state.runs]
    return folder


@pytest.fixture
def measured(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_reports: None) -> CampaignFolder:
    """The campaign, copied to a folder without `bench.yaml`."""
    (campaign,) = (original / "results").iterdir()
    monkeypatch.chdir(tmp_path)
    return CampaignFolder(shutil.copytree(campaign, tmp_path / "results" / campaign.name))


def run_folders(campaign: CampaignFolder) -> list[RunFolder]:
    return [campaign.run(entry.run) for entry in read_campaign(campaign).runs if entry.run]


def assay(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_runs_of_an_own_benchmark_are_compared_reported_and_audited_anywhere(measured: CampaignFolder) -> None:
    first, second = run_folders(measured)
    compared = assay("compare", first.path, second.path)
    assert (compared.exit_code, compared.exception) == (0, None), compared.output
    assert "differs: benchmark.json" not in compared.output
    reported = assay("report", measured.path)
    assert reported.exit_code == 0, reported.output
    for page in (first.path / "report.md", measured.path / "report.md"):
        assert "My own articles" in page.read_text()
    bad = [j for j in audit_path(first.path).problems if j.verdict in (Judgement.CONTRADICTED, Judgement.IMPOSSIBLE)]
    assert not bad


@pytest.fixture
def edited(original: Path) -> Iterator[None]:
    """The file says something else, until the test is over."""
    own = original / "bench.yaml"
    text = own.read_text()
    own.write_text(text.replace("My own articles", "Another title"))
    yield
    own.write_text(text)


def test_editing_the_file_afterwards_changes_no_report(measured: CampaignFolder, edited: None) -> None:
    run = run_folders(measured)[0]
    assert assay("report", run.path).exit_code == 0
    assert "My own articles" in (run.path / "report.md").read_text()
    assert "Another title" not in (run.path / "report.md").read_text()


def test_a_campaign_goes_on_with_the_benchmark_that_it_began_with(measured: CampaignFolder, edited: None) -> None:
    state = read_campaign(measured)
    state.runs[1].run = state.runs[1].status = None
    write_json(measured.state, state)
    reopen(measured)
    listener = Quiet()
    own = resumed_config(measured, None)
    outcome = asyncio.run(resume_campaign(own, measured, listener))
    assert {run_benchmark(folder).title for folder in run_folders(outcome.folder)} == {"My own articles"}
    assert any("bench.yaml has changed" in line for line in listener.said)


def test_what_is_written_keeps_its_schema(measured: CampaignFolder) -> None:
    for folder in (measured, *run_folders(measured)):
        data = json.loads(folder.benchmark.read_bytes())
        validate(data, benchmark_json_schema())
        assert (data["version"], data["name"], data["title"]) == (1, "mine", "My own articles")


def test_definitions_that_differ_are_told(measured: CampaignFolder) -> None:
    first, second = run_folders(measured)
    data = json.loads(second.benchmark.read_bytes())
    second.benchmark.write_text(json.dumps(data | {"notice": "changed"}))
    assert "differs: benchmark.json notice" in assay("compare", first.path, second.path).output


def test_a_benchmark_json_of_another_version_is_named(measured: CampaignFolder) -> None:
    run = run_folders(measured)[0]
    data = json.loads(run.benchmark.read_bytes())
    run.benchmark.write_text(json.dumps(data | {"version": 99}))
    refused = assay("report", run.path)
    assert refused.exit_code != 0
    assert "benchmark.json" in refused.output
    assert "version" in refused.output


def test_runs_made_before_hold_none_and_still_render(tmp_path: Path) -> None:
    campaign = shutil.copytree(RECORDED, tmp_path / "campaign")
    runs = sorted((campaign / "runs").iterdir())
    assert not list(campaign.rglob("benchmark.json"))
    assert assay("report", campaign).exit_code == 0
    for folder in (campaign, *runs):
        assert "SmolLM2 135M, news summaries" in (folder / "report.md").read_text()
    for run in runs:
        problems = audit_path(run).problems
        assert not [p for p in problems if p.verdict in (Judgement.CONTRADICTED, Judgement.IMPOSSIBLE)], problems


def test_a_run_made_before_with_a_file_that_is_gone_names_it(tmp_path: Path) -> None:
    run = shutil.copytree(sorted((RECORDED / "runs").iterdir())[0], tmp_path / "run")
    for name in ("run.json", "config.yaml", "result.json"):
        path = run / name
        path.write_text(path.read_text().replace("smollm2-135m", "mine.yaml", 1))
    refused = assay("report", run)
    assert refused.exit_code != 0
    assert "mine.yaml" in refused.output
    assert "no benchmark.json" in refused.output


def own_benchmark(folder: Path, **changes: Any) -> Config:
    """One accuracy run on a simulated node of a benchmark that isn't about summaries."""
    definition = get_benchmark("smollm2-135m").model_dump(mode="json") | {"name": "mine"} | changes
    (folder / "bench.yaml").write_text(yaml.safe_dump(definition))
    return config(
        folder,
        benchmark=str(folder / "bench.yaml"),
        modes=["accuracy"],
        cluster={"nodes": [{"name": "node-a"}]},
        engine={**FAST, "speeds": {}},
    )


def test_a_benchmark_brings_its_own_scorer_and_targets(
    tmp_path: Path, no_reports: None, capsys: pytest.CaptureFixture[str]
) -> None:
    quality = {"targets": {"exact_match": [50, None]}, "reference": {"exact_match": 60}, "samples": 8, "source": "test"}
    settings = own_benchmark(tmp_path, scorer="exact_match", prompt_template=None, quality=quality)
    outcome = asyncio.run(run_campaign(settings, Terminal()))
    (run,) = run_folders(outcome.folder)
    accuracy = read_model(run.accuracy, AccuracyResult)
    assert accuracy is not None
    assert (accuracy.scorer, accuracy.samples, accuracy.gate) == ("exact_match", 8, "fail")
    assert {name: score.value for name, score in accuracy.scores.items()} == {"exact_match": 0.0}
    assert not run.accuracy_txt.exists()
    assert "exact_match 0 of 100, quality fail" in capsys.readouterr().err
    assert json.loads(run.answers.read_text().splitlines()[0])["exact_match"] == 0.0
    assert assay("report", outcome.folder.path).exit_code == 0
    for page in (run.path / "report.md", outcome.folder.path / "report.md"):
        text = page.read_text()
        assert "exact_match" in text
        assert "rouge1" not in text
    run.result.write_text(run.result.read_text().replace('"gate": "fail"', '"gate": "pass"'))
    assert ("accuracy-target", Judgement.CONTRADICTED) in {(p.rule, p.verdict) for p in audit_path(run.path).problems}


def test_a_benchmark_without_a_scorer_has_no_accuracy_runs(tmp_path: Path) -> None:
    settings = own_benchmark(tmp_path, scorer=None, quality=None)
    with pytest.raises(UserError, match=r"modes: mine has no scorer.* set modes to \[performance\]"):
        asyncio.run(run_campaign(settings, Quiet()))
    with pytest.raises(UserError, match="no scorer is called 'taste'"):
        asyncio.run(run_campaign(own_benchmark(tmp_path, scorer="taste", quality=None), Quiet()))
