"""The audit of logs that today's LoadGen writes here, and of files too large to hold."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest
from tests.audits import complaints
from tests.loadgen_runs import ENOUGH, loadgen

from assay.audit import Judgement, audit_path


@pytest.mark.parametrize("scenario", ["Offline", "Server", "SingleStream"])
def test_a_short_valid_run_is_no_mlperf_result(tmp_path: Path, scenario: str) -> None:
    summary, _ = loadgen(tmp_path, scenario, qps=2000, queries=ENOUGH)
    assert summary.result == "VALID"
    report = audit_path(tmp_path)
    raised = {(finding.rule, finding.verdict) for finding in report.problems}
    assert raised == {("too-short", Judgement.UNSUPPORTED), ("log-settings", Judgement.UNSUPPORTED)}
    figures = {finding.rule for finding in report.findings if finding.clean}
    assert {"percentile-order", "log-integrity", "littles-law"} <= figures


@pytest.mark.parametrize("scenario", ["Server", "SingleStream"])
def test_an_invalid_run_claims_nothing(tmp_path: Path, scenario: str) -> None:
    summary, _ = loadgen(tmp_path, scenario, qps=500)
    assert summary.result == "INVALID"
    assert complaints(audit_path(tmp_path)) == []


@pytest.mark.parametrize(("queries", "result"), [(10, "INVALID"), (ENOUGH, "VALID")])
def test_errors_that_loadgen_passes_over(tmp_path: Path, queries: int, result: str) -> None:
    """Answers of one token: LoadGen logs an error for each, and calls the run VALID all the same."""
    summary, detail = loadgen(tmp_path, "SingleStream", length=1, queries=queries)
    assert detail.error_count
    assert summary.result == result
    raised = {(finding.rule, finding.verdict) for finding in audit_path(tmp_path).problems}
    assert (("log-errors", Judgement.UNSUPPORTED) in raised) == (result == "VALID")
    assert ("percentile-order", Judgement.IMPOSSIBLE) in raised  # times per token below zero


@pytest.mark.parametrize("mode", ["AccuracyOnly", "SubmissionRun", "FindPeakPerformance"])
def test_other_modes_are_read(tmp_path: Path, mode: str) -> None:
    loadgen(tmp_path, "Server", mode, qps=500)
    report = audit_path(tmp_path)
    assert {finding.verdict for finding in report.problems} <= {Judgement.UNSUPPORTED}


def test_a_huge_detail_log_is_streamed(tmp_path: Path) -> None:
    """120 MB of error lines, such as a broken server's tracing gives, in far less memory."""
    line = ':::MLLOG {"key": "error_runtime", "value": "late %d", "metadata": {"is_error": true}}\n'
    with (tmp_path / "mlperf_log_detail.txt").open("w") as file:
        for number in range(1_400_000):
            file.write(line % number)
        file.write(':::MLLOG {"key": "result_validity", "value": "VALID", "metadata": {}}\n')
        file.write(':::MLLOG {"key": "num_errors", "value": 1400000, "metadata": {}}\n')
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report = audit_path(tmp_path)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert "log-errors" in {finding.rule for finding in report.problems}
    assert grown < 40_000  # KiB
