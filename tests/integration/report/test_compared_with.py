"""A page's figures come with what they were compared with: limits, references, and others' published results."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.synthetic import Node, Plan, write_campaign, write_run

from assay.report import render_campaign, render_run
from assay.report.limits import UNSHOWN
from assay.runs import RunFolder, read_record, write_json

PLAN = Plan(samples=120, nodes=(Node("node-a"), Node("node-b")), chunks=False, telemetry=False)


def page(folder: RunFolder, **changes: object) -> str:
    """The run's page, its record changed; a synthetic run isn't called simulated here, for the page's sake."""
    write_json(folder.record, read_record(folder).model_copy(update={"simulated": False, **changes}))
    render_run(folder)
    return (folder.path / "report.md").read_text()


def rows(text: str, caption: str) -> list[list[str]]:
    """The cells of the table under a caption."""
    lines = text[text.index(f"**{caption}**") :].splitlines()[2:]
    table = lines[: next(i for i, line in enumerate(lines) if not line.startswith("|"))]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table[2:]]


def test_an_mlperf_run_stands_beside_published_results(tmp_path: Path) -> None:
    text = page(write_run(tmp_path, replace(PLAN, benchmark="llama3.1-8b")))
    own, *others = rows(text, "Offline beside published results")
    assert (own[0], own[3]) == ("2 x Synthetic GPU 80GB", "this run")
    assert "short run" in own[2]
    assert ["NVIDIA H100 SXM", "5,777", "v5.1 Red Hat", "others' hardware, not measured here"] in others
    assert len(others) == 7


def test_a_rate_that_was_asked_for_says_so(tmp_path: Path) -> None:
    text = page(write_run(tmp_path, replace(PLAN, benchmark="llama3.1-8b", scenario="Server", qps=5.0)))
    assert rows(text, "Server beside published results")[0][3] == "this run, at the rate that it was asked for"


@pytest.mark.parametrize("changes", [{"simulated": True}, {"mode": "accuracy"}])
def test_what_measured_no_hardware_stands_beside_nothing(tmp_path: Path, changes: dict[str, object]) -> None:
    assert "beside published results" not in page(
        write_run(tmp_path, replace(PLAN, benchmark="llama3.1-8b")), **changes
    )


def test_another_benchmark_stands_beside_nothing(tmp_path: Path) -> None:
    assert "beside published results" not in page(write_run(tmp_path, replace(PLAN, benchmark="smollm2-135m")))


def test_latencies_stand_beside_their_limits(tmp_path: Path) -> None:
    text = page(write_run(tmp_path, replace(PLAN, benchmark="llama3.1-8b", scenario="Server", qps=5.0)))
    ttft, tpot = rows(text, "Limits of Server")
    assert (ttft[0], ttft[2], tpot[0], tpot[2]) == ("TTFT", "2,000", "TPOT", "100")
    assert {ttft[3], tpot[3]} <= {"above", UNSHOWN}  # so few samples show of no limit that it is kept
    assert "**Limits of Server** (MLPerf Inference v6.1, benchmark.json)" in text


def test_scores_stand_beside_the_reference_and_its_source(tmp_path: Path) -> None:
    text = page(write_run(tmp_path, replace(PLAN, benchmark="llama3.1-8b", mode="accuracy")), mode="accuracy")
    assert "Reference: submission checker of MLPerf Inference v6.1" in text
    scores = {row[0]: row for row in rows(text, "Scores")}
    assert scores["rouge1"][4:6] == ["38.7792", "38.3914"]


def test_a_campaign_has_limits_and_references_too(tmp_path: Path) -> None:
    plan = replace(PLAN, benchmark="llama3.1-8b", scenario="Server", qps=5.0)
    folder = write_campaign(tmp_path, {"server-r0": plan, "accuracy-r0": replace(plan, mode="accuracy")})
    render_campaign(folder)
    text = (folder.path / "report.md").read_text()
    assert "limit of Server's p99 (MLPerf Inference v6.1, benchmark.json) | 2,000 |  | 100 |" in text
    assert "| reference | 38.7792 | 15.9075 | 24.4957 | 35.7930 | 8,167,644 | 13,368 |" in text


def test_a_campaign_stands_beside_published_results(tmp_path: Path) -> None:
    folder = write_campaign(tmp_path, {"offline-r0": replace(PLAN, benchmark="llama3.1-8b")})
    for run in folder.runs.iterdir():
        record = RunFolder(run)
        write_json(record.record, read_record(record).model_copy(update={"simulated": False}))
    render_campaign(folder)
    own, *others = rows((folder.path / "report.md").read_text(), "Offline beside published results")
    assert own[3] == "Offline"
    assert len(others) == 7
