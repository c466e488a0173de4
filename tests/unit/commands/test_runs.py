"""`assay runs`: filters and output."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.campaigns import config

from assay.benchmarks import get_benchmark
from assay.campaign.kinds import plan_runs
from assay.campaign.state import begin
from assay.commands.main import main
from assay.errors import UserError
from assay.runs import CampaignFolder, RunStatus, read_campaign, write_json
from assay.runs.index import parse_since

NOW = datetime(2026, 5, 10, 12, tzinfo=UTC)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """A single campaign of 2025 with one failed run of two, and a scaling campaign of now."""
    both = ["node-a", "node-b"]
    single = config(tmp_path, scenarios=["Offline", "SingleStream"])
    old = begin(single, plan_runs(single, both), get_benchmark(single.benchmark), dataset_sha256="x", simulated=True)
    state = read_campaign(old)
    state.started_utc = "2025-01-01T00:00:00.000+00:00"
    state.runs[0].status, state.runs[0].reason = RunStatus.FAILED, "no answer\nlast lines"
    write_json(old.state, state)
    old.path.rename(old.path.with_name("20250101T000000Z-single-00000000"))
    scaling = config(tmp_path, campaign={"kind": "scaling", "repeats": 1})
    begin(scaling, plan_runs(scaling, both), get_benchmark(scaling.benchmark), dataset_sha256="x", simulated=True)
    return tmp_path / "results"


def call(output: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["runs", str(output), *arguments])


def rows(output: Path, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(call(output, "--json", *arguments).stdout)
    return found


def test_all_campaigns_oldest_first(output: Path) -> None:
    assert [row["kind"] for row in rows(output)] == ["single"] * 2 + ["scaling"] * 3
    text = call(output).stdout
    assert "offline-performance-r0" in text
    assert "failed       no answer\n" in text
    assert "planned" in text


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        (["--status", "failed"], 1),
        (["--status", "failed", "--status", "planned"], 5),
        (["--scenario", "singlestream"], 1),
        (["--scenario", "Server"], 0),
        (["--mode", "accuracy"], 0),
        (["--kind", "scaling"], 3),
        (["--node", "node-a", "--kind", "scaling"], 2),
        (["--since", "1d"], 3),
        (["--since", "2024-12-31"], 5),
        (["--since", "2025-01-01T00:00:01", "--status", "failed"], 0),
    ],
)
def test_filters(output: Path, arguments: list[str], count: int) -> None:
    assert len(rows(output, *arguments)) == count


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--status", "bad"], "choose from planned, incomplete, completed"),
        (["--scenario", "x"], "choose from Offline"),
        (["--since", "soon"], "write 2026-01-31"),
    ],
)
def test_a_filter_that_matches_nothing_is_a_mistake(output: Path, arguments: list[str], message: str) -> None:
    result = call(output, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_damaged_campaign_is_named_and_left_out(output: Path) -> None:
    damaged = CampaignFolder(output / "20240101T000000Z-single-11111111")
    damaged.path.mkdir()
    damaged.state.write_text("{")
    result = call(output, "--json")
    assert len(json.loads(result.stdout)) == 5
    assert str(damaged.state) in result.stderr


def test_no_folder_is_explained(tmp_path: Path) -> None:
    result = call(tmp_path / "none")
    assert result.exit_code == 2
    assert "no such folder" in result.stderr


def test_ages_and_dates() -> None:
    assert parse_since("36h", NOW) == NOW - timedelta(hours=36)
    assert parse_since("2w", NOW) == NOW - timedelta(weeks=2)
    assert parse_since("2026-01-31") == datetime(2026, 1, 31, tzinfo=UTC)
    assert parse_since("2026-01-31T12:00+02:00") == datetime(2026, 1, 31, 10, tzinfo=UTC)
    with pytest.raises(UserError):
        parse_since("12")


def begun(output: Path) -> Path:
    """The folder of the failed run, made known to its campaign."""
    folder = CampaignFolder(output / "20250101T000000Z-single-00000000")
    state = read_campaign(folder)
    state.runs[0].run = "a-run"
    write_json(folder.state, state)
    run = folder.run("a-run").path
    run.mkdir()
    return run


def test_folders_are_printed(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    run = begun(output)
    text = call(output).stdout
    assert f"{run.parent.parent}  single campaign test" in text
    assert f"    {run}\n" in text
    row = rows(output, "--status", "failed")[0]
    assert (row["folder"], row["path"], row["run"]) == (str(run.parent.parent), str(run), "a-run")


def test_a_result_that_cannot_be_read_is_told_and_its_row_stands(output: Path) -> None:
    run = begun(output)
    (run / "result.json").write_text('{"version": 99}')
    told = call(output)
    assert "failed" in told.stdout
    assert (
        f"assay: left out: {run / 'result.json'}: can't be read as a run's result: it is of version 99" in told.stderr
    )


def test_the_index_is_a_page(output: Path, tmp_path: Path) -> None:
    page = tmp_path / "pages" / "all.html"
    report = output / "20250101T000000Z-single-00000000" / "report.html"
    report.write_text("")
    assert call(output, "--html", str(page), "--kind", "single").stdout == f"{page}\n"
    html = page.read_text()
    assert 'href="../results/20250101T000000Z-single-00000000/report.html"' in html
    assert "1 campaign, 2 runs" in html
    assert "scaling" not in html


@pytest.mark.parametrize("columns", [60, 80])
def test_lines_end_between_words_and_only_folders_are_longer(
    output: Path, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    run = begun(output)
    folder = CampaignFolder(run.parent.parent)
    state = read_campaign(folder)
    state.runs[0].reason = f"no answer after {'1,234,567.8 s of waiting, and ' * 4}that was all"
    write_json(folder.state, state)
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = call(output).stdout.splitlines()
    assert [line for line in lines if len(line) > columns and str(output) not in line] == []
    words = " ".join(" ".join(lines).split())
    assert words.count("1,234,567.8 s of waiting") == 4
    assert f"{folder.path} single campaign test" in words
