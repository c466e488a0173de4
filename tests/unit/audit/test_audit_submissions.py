"""Published MLPerf runs raise nothing, however their folders are named and whatever is missing beside them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.audits import complaints
from tests.paths import shared_data

from assay.audit import AuditReport, Judgement, audit_path
from assay.errors import UserError

SUMMARY, DETAIL = "mlperf_log_summary.txt", "mlperf_log_detail.txt"


@pytest.fixture
def round_5_1() -> Path:
    return shared_data() / "mlperf_v5.1"


@pytest.fixture
def copied(round_5_1: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(round_5_1, tmp_path / "round"))


def server_run(root: Path) -> Path:
    return next(root.glob("closed/RedHat/results/*/*/Server"))


def rules_raised(report: AuditReport) -> set[str]:
    return {finding.rule for finding in report.problems}


def test_the_published_round_is_clean(round_5_1: Path) -> None:
    report = audit_path(round_5_1)
    assert complaints(report) == []
    assert report.exit_code == 0
    logs = {file.parent for file in round_5_1.rglob(SUMMARY)}
    assert len(report.rows) == len(logs)


def test_the_rows_are_the_logs_own_figures(round_5_1: Path) -> None:
    rows = {row.run: row for row in audit_path(round_5_1).rows}
    hpe = rows["closed/HPE/HPE_Cray_XD670_H200_SXM_141GBx8_TRT/llama3.1-8b/Interactive/performance/run_1"]
    assert (hpe.scenario, hpe.result, hpe.samples) == ("Interactive", "VALID", 253992)
    assert (hpe.samples_per_s, hpe.tokens_per_s) == (414.535, 53475.2)
    intel = rows["closed/Intel/1-node-2S-GNR_128C/llama3_1-8b/Offline/performance/run_1"]
    assert (intel.samples, intel.samples_per_s, intel.tokens_per_s) == (13368, 9.63192, 1232.89)
    assert intel.duration_s == pytest.approx(13368 / 9.63192, rel=1e-5)
    assert all(row.mfu is not None and 0 < row.mfu < 1 for row in rows.values() if row.mode == "performance")


def test_any_folder_of_the_tree_can_be_given(round_5_1: Path) -> None:
    for folder in [*round_5_1.rglob("run_1"), *round_5_1.glob("*/*"), *round_5_1.glob("*/*/results/*")]:
        report = audit_path(folder)
        assert complaints(report) == []
        assert report.rows


def test_lower_case_scenarios_and_other_benchmark_names(copied: Path) -> None:
    for scenario in list(copied.glob("*/*/results/*/*/*")):
        scenario.rename(scenario.with_name(f"{scenario.name}-renamed"))
        scenario.with_name(f"{scenario.name}-renamed").rename(scenario.with_name(scenario.name.lower()))
    for benchmark in list(copied.glob("*/*/results/*/llama3.1-8b")):
        benchmark.rename(benchmark.with_name("llama3_1-8b"))
    assert complaints(audit_path(copied)) == []


@pytest.mark.parametrize("name", ["llama5-of-tomorrow", "yolo-99", "resnet", "wan-2.2-t2v-a14b", "rgat"])
def test_benchmarks_that_are_not_known(copied: Path, name: str) -> None:
    for benchmark in list(copied.glob("*/*/results/*/*")):
        benchmark.rename(benchmark.with_name(name))
    assert complaints(audit_path(copied)) == []


@pytest.mark.parametrize(
    "system", ["X", "cloud_8node_system", "B200", "GB200-NVL72x18", "2xL4_4x", "dgx x", "10.1xA100x"]
)
def test_systems_of_any_name_never_trip_a_ceiling_that_was_guessed_too_low(copied: Path, system: str) -> None:
    folder = next(copied.glob("closed/Intel/results/*"))
    folder.rename(folder.with_name(system))
    problems = audit_path(copied).problems
    assert [finding for finding in problems if finding.verdict is Judgement.IMPOSSIBLE] == []


@pytest.mark.parametrize("missing", [SUMMARY, DETAIL])
def test_a_missing_log_is_noted_and_is_no_alarm(copied: Path, missing: str) -> None:
    for file in copied.rglob(missing):
        file.unlink()
    report = audit_path(copied)
    assert complaints(report) == []
    assert all(any(missing in note for note in row.notes) for row in report.rows)


def test_a_compliance_run_is_not_judged_by_a_results_settings(copied: Path) -> None:
    scenario = server_run(copied)
    test = scenario / "TEST06" / "performance" / "run_1"
    shutil.copytree(scenario / "performance" / "run_1", test)
    for name in (SUMMARY, DETAIL):
        (test / name).write_text((test / name).read_text().replace("1780908523862526354", "7"))
    assert complaints(audit_path(copied)) == []


def test_the_systems_description_is_believed_before_the_folders_name(copied: Path) -> None:
    systems = copied / "closed" / "RedHat" / "systems"
    systems.mkdir()
    system = server_run(copied).parents[1].name
    description = {"accelerator_model_name": "NVIDIA A2", "accelerators_per_node": "1", "number_of_nodes": "1"}
    (systems / f"{system}.json").write_text(json.dumps(description))
    report = audit_path(copied)
    raised = {(finding.rule, finding.verdict) for finding in report.problems}
    assert ("ceiling-throughput", Judgement.IMPOSSIBLE) in raised  # four H100s' figures from one A2


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 0.95])
@pytest.mark.parametrize("name", [SUMMARY, DETAIL])
def test_a_cut_file_gives_a_verdict(copied: Path, name: str, share: float) -> None:
    path = server_run(copied) / "performance" / "run_1" / name
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    report = audit_path(copied)
    assert report.exit_code == 3
    assert "log-integrity" in rules_raised(report)


def test_bytes_that_are_no_log_give_a_verdict(copied: Path) -> None:
    run = server_run(copied) / "performance" / "run_1"
    for name in (SUMMARY, DETAIL):
        (run / name).write_bytes(bytes(range(256)) * 64)
    assert "log-integrity" in rules_raised(audit_path(copied))


def test_paths_that_hold_nothing_are_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        audit_path(tmp_path / "nowhere")
    with pytest.raises(UserError, match="no LoadGen logs"):
        audit_path(tmp_path)
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    with pytest.raises(UserError, match="not a claims file"):
        audit_path(tmp_path / "picture.png")
