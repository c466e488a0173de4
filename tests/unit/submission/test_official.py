"""What MLCommons' checker prints is read result by result; where it stops half-way that is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import UserError
from assay.submission.official import checker_folder, read_output

ROOT = Path("/scratch/tree")
OFFLINE = f"{ROOT}/open/ACME/results/SYS/llama3.1-8b/Offline"
SERVER = f"{ROOT}/open/ACME/results/SYS/llama3.1-8b/Server"


def line(level: str, words: str) -> str:
    return f"[2026-01-01 00:00:00,000 somewhere.py:12 {level}] {words}\n"


GOOD = (
    line("INFO", f"Starting performance checks for: {OFFLINE}/performance/run_1/mlperf_log_detail.txt")
    + line("INFO", f"Starting system checks for: {ROOT}/open/ACME/results/SYS")
    + line("WARNING", f"Execution of check some_check skipped for {OFFLINE}/performance/run_1/mlperf_log_detail.txt.")
)
ACCEPTED = line("INFO", f"Results {OFFLINE}/performance/run_1/mlperf_log_detail.txt 697.988")
BAD = (
    line("INFO", f"Starting performance checks for: {SERVER}/performance/run_1/mlperf_log_detail.txt")
    + line("ERROR", f"{SERVER}/performance/run_1/mlperf_log_detail.txt min_query_count is too small")
    + line("ERROR", f"{SERVER}/performance/run_1/mlperf_log_detail.txt min_query_count is too small")
    + line("ERROR", f"Some performance checks Checks failed for: {SERVER}/performance/run_1/mlperf_log_detail.txt")
    + line("INFO", f"Starting accuracy checks for: {SERVER}/accuracy/mlperf_log_detail.txt")
    + line("WARNING", "accuracy not met: expected=1, found=0")
)
REFUSED = line("ERROR", f"NoResults {SERVER}/performance/run_1/mlperf_log_detail.txt")


def test_a_tree_that_is_accepted() -> None:
    text = GOOD + line("INFO", "---") + ACCEPTED + line("INFO", "Results=1, NoResults=0, Power Results=0")
    found = read_output(text + line("INFO", "SUMMARY: submission looks OK"), ROOT, ended_well=True)
    assert found.accepted
    assert found.whole == []
    assert {name: result.metric for name, result in found.results.items()} == {
        "open/ACME/SYS/llama3.1-8b/Offline": "697.988"
    }
    assert found.results["open/ACME/SYS/llama3.1-8b/Offline"].reasons == []


def test_reasons_belong_to_their_result_each_once() -> None:
    text = GOOD + BAD + ACCEPTED + REFUSED + line("ERROR", "SUMMARY: submission has errors")
    found = read_output(text, ROOT, ended_well=False)
    assert not found.accepted
    refused = found.results["open/ACME/SYS/llama3.1-8b/Server"]
    assert refused.metric is None
    assert refused.reasons == [
        "performance/run_1/mlperf_log_detail.txt min_query_count is too small",
        "accuracy not met: expected=1, found=0",
    ]


@pytest.mark.parametrize(
    ("text", "last"),
    [
        (GOOD + "Traceback (most recent call last):\nKeyError: 'status'\n", "KeyError: 'status'"),
        ("", "no word"),
    ],
)
def test_a_checker_that_stops_is_no_acceptance(text: str, last: str) -> None:
    found = read_output(text, ROOT, ended_well=False)
    assert not found.accepted
    assert found.whole == [f"it stopped before its end: {last}"]


def test_its_word_alone_is_not_enough() -> None:
    assert not read_output(line("INFO", "SUMMARY: submission looks OK"), ROOT, ended_well=False).accepted


def test_a_folder_without_the_checker_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="give a checkout of"):
        checker_folder(tmp_path)
    (tmp_path / "tools/submission/submission_checker").mkdir(parents=True)
    (tmp_path / "tools/submission/submission_checker/main.py").touch()
    assert checker_folder(tmp_path) == checker_folder(tmp_path / "tools/submission")
