"""LoadGen's logs are read as LoadGen wrote them, from submitted runs, from runs made here, and from damaged files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.loadgen_runs import loadgen
from tests.paths import shared_data

from assay.errors import UserError
from assay.runs import read_detail, read_summary
from assay.runs.loadgen_lines import read_entries


def submitted(pattern: str) -> Iterator[Path]:
    files = sorted(shared_data().rglob(pattern))
    assert files
    yield from files


def test_every_figure_of_submitted_summaries_is_read_as_printed() -> None:
    for path in submitted("performance/run_1/mlperf_log_summary.txt"):
        summary = read_summary(path)
        assert summary.problems == []
        assert summary.result == "VALID"
        assert summary.errors == summary.warnings == 0
        text, parameters = path.read_text().split("Test Parameters Used")
        printed = dict(re.findall(r"^(.+?)\s*: ?(-?[\d.]+)$", text, re.MULTILINE))
        assert {" ".join(k.split()): float(v) for k, v in printed.items() if "*" not in k} == summary.metrics
        for name, value in re.findall(r"^(\w[\w() ]+?)\s*: (\d+)$", parameters, re.MULTILINE):
            assert summary.parameters[name] == int(value)


def test_summary_and_detail_agree() -> None:
    for path in submitted("performance/run_1/mlperf_log_summary.txt"):
        summary, detail = read_summary(path), read_detail(path.with_name("mlperf_log_detail.txt"))
        assert detail.problems == []
        assert detail.complete
        assert detail.result == summary.result
        assert detail.effective["scenario"] == summary.scenario
        assert detail.effective["qsl_rng_seed"] == summary.parameters["qsl_rng_seed"]
        assert detail.values["result_mean_latency_ns"] == summary.latency.mean_ns
        assert detail.values["result_99.90_percentile_latency_ns"] == summary.latency.percentiles_ns[99.9]
        assert detail.loadgen_version == "5.1.0"
        assert (detail.error_count, detail.warning_count) == (0, 0)
        if summary.ttft:
            assert detail.values["result_first_token_99.00_percentile_latency_ns"] == summary.ttft.percentiles_ns[99.0]
            assert detail.values["result_time_to_output_token_mean"] == summary.tpot.mean_ns


def test_accuracy_logs_are_complete_without_a_result() -> None:
    for path in submitted("accuracy/mlperf_log_summary.txt"):
        summary, detail = read_summary(path), read_detail(path.with_name("mlperf_log_detail.txt"))
        assert summary.complete
        assert detail.complete
        assert summary.result is None
        assert summary.metrics == {}
        assert detail.effective_mode == "AccuracyOnly"
        generated = detail.generated_query_count, detail.generated_samples_per_query
        assert detail.loaded_samples == generated[0] * generated[1] if None not in generated else False


@pytest.mark.parametrize("tokens", [True, False])
@pytest.mark.parametrize("scenario", ["Offline", "Server", "SingleStream", "MultiStream"])
def test_todays_loadgen(tmp_path: Path, scenario: str, tokens: bool) -> None:
    if scenario == "MultiStream" and tokens:
        pytest.skip("LoadGen has no token latencies in MultiStream")
    summary, detail = loadgen(tmp_path, scenario, tokens=tokens)
    assert summary.problems == detail.problems == []
    assert summary.scenario == detail.values["effective_scenario"] == scenario
    assert summary.mode == "PerformanceOnly"
    assert summary.result == detail.result
    assert detail.loadgen_version is not None
    assert detail.loadgen_version.startswith("6.")
    if scenario != "MultiStream":  # there the summary is of queries, the detail log's keys are of samples
        assert summary.latency.mean_ns == detail.values["result_mean_latency_ns"]
    assert set(summary.latency.percentiles_ns) == {50.0, 90.0, 95.0, 97.0, 99.0, 99.9}
    assert bool(summary.tpot) == bool(summary.ttft) == (tokens and scenario != "Offline")
    assert (summary.tokens_per_s is not None) == tokens
    assert detail.sample_count is not None
    assert detail.sample_count >= 10
    if summary.result == "INVALID":
        assert summary.reasons


@pytest.mark.parametrize("mode", ["AccuracyOnly", "SubmissionRun", "FindPeakPerformance"])
def test_other_modes(tmp_path: Path, mode: str) -> None:
    summary, detail = loadgen(tmp_path, "Server", mode, qps=500)
    assert summary.problems == detail.problems == []
    assert detail.effective_mode == mode
    assert (summary.result is None) == (mode == "AccuracyOnly")


def test_errors_are_counted_in_both_files(tmp_path: Path) -> None:
    summary, detail = loadgen(tmp_path, "SingleStream", length=1)
    assert summary.errors == detail.error_count == detail.query_count
    assert detail.errors[0].value == "Number of tokens need to be greater than 1"
    assert summary.tpot.min_ns is not None
    assert summary.tpot.min_ns < 0


OLD_SERVER = """================================================
MLPerf Results Summary
================================================
SUT name : PySUT
Scenario : Server
Mode     : PerformanceOnly
Scheduled samples per second : 88.49
Result is : INVALID
  Performance constraints satisfied : NO
  Min duration satisfied : Yes
  Min queries satisfied : Yes
  Early stopping satisfied: NO
Recommendations:
 * Reduce target QPS to improve latency.
Early Stopping Result:
 * Run unsuccessful.
 * Processed 270336 queries.

================================================
Additional Stats
================================================
Completed samples per second    : 88.40

Min latency (ns)                : 7000000
Mean latency (ns)               : inf
99.90 percentile latency (ns)   : 99000000

================================================
Test Parameters Used
================================================
target_latency (ns): 15000000
qsl_rng_seed : 148687905518835231

2 warnings encountered. See detailed log.

1 ERROR encountered. See detailed log.
"""


def test_a_server_summary_of_loadgen_3(tmp_path: Path) -> None:
    path = tmp_path / "mlperf_log_summary.txt"
    path.write_text(OLD_SERVER)
    summary = read_summary(path)
    assert (summary.result, summary.errors, summary.warnings) == ("INVALID", 1, 2)
    assert (summary.samples_per_s, summary.scheduled_samples_per_s) == (88.40, 88.49)
    assert summary.latency.percentiles_ns == {99.9: 99000000}
    assert summary.latency.mean_ns is None
    assert summary.parameters["target_latency (ns)"] == 15000000
    assert summary.reasons == [
        "Performance constraints satisfied: no",
        "Early stopping satisfied: no",
        "Reduce target QPS to improve latency.",
    ]


def test_a_damaged_detail_log_gives_what_can_be_read(tmp_path: Path) -> None:
    line = ':::MLLOG {{"key": "{}", "value": {}, "time_ms": 1.0, "metadata": {{"is_error": {}}}}}\n'
    path = tmp_path / "mlperf_log_detail.txt"
    path.write_bytes(
        line.format("result_validity", '"VALID"', "false").encode()
        + b"\x00\xff\xfe not a log line\n"
        + line.format("result_tokens_per_second", "-nan", "false").encode()
        + line.format("result_mean", "inf", "false").encode()
        + line.format("error_runtime", '"tab\there"', "true").encode()
        + b':::MLLOG [1, 2]\n:::MLLOG {"value": 1}\n'
        + b':::MLLOG {"key": "num_err'
    )
    detail = read_detail(path)
    assert detail.result == "VALID"
    assert detail.values["result_mean"] == float("inf")
    assert detail.values["result_tokens_per_second"] != detail.values["result_tokens_per_second"]
    assert detail.errors[0].value == "tab\there"
    assert (detail.lines, detail.damaged_lines) == (8, 4)
    assert not detail.complete
    assert [p for p in detail.problems if "truncated" in p]


def test_text_that_loadgen_does_not_escape(tmp_path: Path) -> None:
    rest = '"time_ms": 1.5, "namespace": "n", "metadata": {"is_error": %s, "is_warning": false, "a": 1}}'
    path = tmp_path / "mlperf_log_detail.txt"
    path.write_text(
        f':::MLLOG {{"key": "loadgen_git_log_message", "value": "Revert "this" (#1)", {rest % "false"}\n'
        f':::MLLOG {{"key": "loadgen_git_status_message", "value": " M a.py\n?? b/\n", {rest % "false"}\n'
        f':::MLLOG {{"key": "error_runtime", "value": "said "no"\nand left", {rest % "true"}\n'
        f':::MLLOG {{"key": "num_errors", "value": 1, {rest % "false"}\n'
    )
    detail = read_detail(path)
    assert detail.problems == []
    assert detail.values["loadgen_git_log_message"] == 'Revert "this" (#1)'
    assert detail.values["loadgen_git_status_message"] == " M a.py\n?? b/\n"
    assert detail.errors[0].value == 'said "no"\nand left'


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_truncated_files_are_read_and_said_to_be(tmp_path: Path, share: float) -> None:
    for pattern, read in (("mlperf_log_summary.txt", read_summary), ("mlperf_log_detail.txt", read_detail)):
        for path in submitted(f"performance/run_1/{pattern}"):
            data = path.read_bytes()
            cut = tmp_path / pattern
            cut.write_bytes(data[: int(len(data) * share)])
            assert read(cut).problems


def test_a_file_of_other_bytes_is_read_in_bounded_pieces(tmp_path: Path) -> None:
    path = tmp_path / "mlperf_log_detail.txt"
    path.write_bytes(b"\xa5" * (40 << 20))
    detail = read_detail(path)
    assert detail.damaged_lines == detail.lines == 3


def test_brackets_a_thousand_deep_are_no_line_of_loadgens(tmp_path: Path) -> None:
    path = tmp_path / "mlperf_log_detail.txt"
    path.write_text(
        ':::MLLOG {"key":"num_errors","value":' + "[" * 5000 + "\n" + ':::MLLOG {"key":"num_errors","value":0}\n'
    )
    first, second = read_entries(path)
    assert first is None
    assert second == {"key": "num_errors", "value": 0}


def test_a_missing_file_is_a_users_mistake(tmp_path: Path) -> None:
    for read in (read_summary, read_detail):
        with pytest.raises(UserError, match="nowhere"):
            read(tmp_path / "nowhere")


@pytest.mark.parametrize(("version", "samples"), [("4.1", 40), ("5.0.10", 40), ("5.0.11", 33), ("5.1.0", 33)])
def test_an_offline_query_is_filled_up_to_whole_passes_over_the_data(
    tmp_path: Path, version: str, samples: int
) -> None:
    values = {
        "loadgen_version": f"{version} @ 0123456789",
        "requested_sample_concatenate_permutation": True,
        "effective_scenario": "Offline",
        "effective_performance_sample_count": 10,
        "generated_samples_per_query": 33,
        "result_query_count": 1,
    }
    path = tmp_path / "mlperf_log_detail.txt"
    lines = (f":::MLLOG {json.dumps({'key': key, 'value': value, 'metadata': {}})}\n" for key, value in values.items())
    path.write_text("".join(lines))
    assert read_detail(path).sample_count == samples
