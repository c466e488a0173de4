"""Results in MLflow: every figure with its unit, the reports, and telling twice is telling once."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from mlflow import MlflowClient
from mlflow.entities import Run

from assay.commands.main import main
from assay.errors import AssayError, UserError
from assay.extras import how_to_add
from assay.results import load_campaign
from assay.results.mlflow_server import tell_mlflow
from assay.runs import CampaignFolder, read_campaign, read_result


@pytest.fixture
def uri(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A store of files, which stands in for a server: this MLflow takes one only where it is told to."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return (tmp_path / "mlruns").as_uri()


def stored(uri: str, experiment: str = "test") -> dict[str, Run]:
    """What is there, by what it is of."""
    client = MlflowClient(tracking_uri=uri)
    found = client.get_experiment_by_name(experiment)
    assert found is not None
    runs = client.search_runs([found.experiment_id])
    by_source = {run.data.tags["assay.source"]: run for run in runs}
    assert len(by_source) == len(runs)
    return by_source


def test_each_run_is_told_with_its_figures_and_their_units(campaign: CampaignFolder, uri: str) -> None:
    told = tell_mlflow(load_campaign(campaign.path), uri)
    assert [each.state for each in told] == ["new"] * 3
    there = stored(uri)
    whole = there[f"campaign/{campaign.path.name}"]
    for entry in read_campaign(campaign).runs:
        run, result = there[f"run/{entry.run}"], read_result(campaign.run(entry.run or ""))
        assert result is not None
        rate, ttft = result.figures["samples_per_s"], result.latency["ttft_ns"]
        assert run.data.metrics["samples_per_s"] == rate.value
        assert run.data.tags["unit.samples_per_s"] == rate.unit
        assert run.data.metrics["ttft_p99_ns"] == ttft.p99
        assert "valid" not in run.data.metrics
        assert (run.data.params["scenario"], run.data.params["nodes"]) == ("Offline", "node-a")
        assert run.data.params["engine.ttft_ms"] == "5.0"
        assert run.data.tags["assay.verdict"] == result.verdict.words
        assert run.data.tags["assay.simulated"] == "true"
        assert run.data.tags["mlflow.parentRunId"] == whole.info.run_id
        assert run.info.status == "FINISHED"
        files = {item.path for item in MlflowClient(tracking_uri=uri).list_artifacts(run.info.run_id)}
        assert files == {"result.json", "run.json", "config.yaml", "report.html", "report.json"}


def test_telling_twice_changes_nothing_and_what_changed_is_updated(
    campaign: CampaignFolder, uri: str, tmp_path: Path
) -> None:
    copy = CampaignFolder(tmp_path / "copy" / campaign.path.name)
    shutil.copytree(campaign.path, copy.path)
    first = tell_mlflow(load_campaign(copy.path), uri)
    again = tell_mlflow(load_campaign(copy.path), uri)
    assert [each.state for each in again] == ["as it was"] * 3
    assert [each.mlflow_run for each in again] == [each.mlflow_run for each in first]
    changed = copy.run(read_campaign(copy).runs[1].run or "")
    result = json.loads(changed.result.read_text())
    result["figures"]["samples_per_s"]["value"] = 12.5
    changed.result.write_text(json.dumps(result))
    record = json.loads(changed.record.read_text())
    changed.record.write_text(json.dumps(record | {"max_tokens": 9}))
    last = tell_mlflow(load_campaign(copy.path), uri)
    assert [(each.state, each.kept_parameters) for each in last] == [
        ("as it was", ()),
        ("as it was", ()),
        ("updated", ("max_tokens",)),
    ]
    run = stored(uri)[f"run/{changed.id}"]
    assert (run.data.metrics["samples_per_s"], run.data.params["max_tokens"]) == (12.5, str(record["max_tokens"]))


def test_what_was_cut_short_is_told_again(campaign: CampaignFolder, uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "log_artifact", full)
        with pytest.raises(OSError, match="no room"):
            tell_mlflow(load_campaign(campaign.path), uri)
    assert [each.state for each in tell_mlflow(load_campaign(campaign.path), uri)] == ["updated", "new", "new"]
    assert len(stored(uri)) == 3


def test_the_command_says_what_became_of_each(
    campaign: CampaignFolder, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    command = ["export", "results", str(campaign.path), "--format", "mlflow", "--experiment", "mine"]
    lines = CliRunner().invoke(main, command).stdout.splitlines()
    assert lines[0].startswith(f"campaign/{campaign.path.name}: new, MLflow run ")
    assert len(lines) == len(stored(uri, "mine")) == 3
    told = json.loads(CliRunner().invoke(main, [*command, "--json"]).stdout)
    assert [each["state"] for each in told] == ["as it was"] * 3
    for words, more in (("--output goes with", ["--output", "x"]), ("go with --format mlflow", ["--format", "csv"])):
        refused = CliRunner().invoke(main, [*command, *more])
        assert refused.exit_code == 2
        assert words in refused.output


def test_what_is_missing_is_said(campaign: CampaignFolder, uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load_campaign(campaign.path)
    with pytest.raises(UserError, match="set MLFLOW_TRACKING_URI"):
        tell_mlflow(loaded, None)
    with pytest.raises(AssayError, match=r"^MLflow at nope://host: ") as failed:
        tell_mlflow(loaded, "nope://me:secret@host")
    assert "me:" not in str(failed.value).partition(": ")[0]
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(UserError, match=re.escape(how_to_add("mlflow"))):
        tell_mlflow(loaded, uri)
