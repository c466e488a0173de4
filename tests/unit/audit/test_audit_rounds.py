"""True results of other rounds and benchmarks are never accused; the same with one thing changed are."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.audits import complaints
from tests.paths import shared_rounds

from assay.audit import Judgement, audit_path
from assay.runs import read_detail

DETAIL, SUMMARY = "mlperf_log_detail.txt", "mlperf_log_summary.txt"
AMD = "v4.1/closed/AMD/results/8xMI300X_2xEPYC-9374F/llama2-70b-99/Offline"
NVIDIA = "v5.1/closed/NVIDIA/results/GB300-NVL72_GB300-288GB_aarch64x72_TRT/deepseek-r1/Server"


@pytest.mark.parametrize("name", ["v4.1", "v5.1", "v6.0"])
def test_a_published_round_is_clean(name: str) -> None:
    report = audit_path(shared_rounds() / name)
    assert complaints(report) == []
    assert report.rows


def copied(tmp_path: Path, scenario: str) -> Path:
    """One scenario's folder of a tree, alone in a tree of its own; returns the tree."""
    shutil.copytree(shared_rounds() / scenario, tmp_path / scenario)
    return tmp_path


def changed(file: Path, change: Callable[[str], str]) -> None:
    before = file.read_text()
    file.write_text(change(before))
    assert file.read_text() != before


def raised(root: Path) -> set[tuple[str, Judgement]]:
    return {(finding.rule, finding.verdict) for finding in audit_path(root).problems}


def test_version_4_pads_offline_and_counts_no_errors() -> None:
    detail = read_detail(shared_rounds() / AMD / "performance/run_1" / DETAIL)
    assert (detail.generated_samples_per_query, detail.sample_count) == (52_800, 73_728)
    assert detail.complete


def test_a_log_of_version_4_that_is_cut_is_told(tmp_path: Path) -> None:
    root = copied(tmp_path, AMD)
    log = root / AMD / "performance/run_1" / DETAIL
    changed(log, lambda text: text[: text.index("result_99.90_percentile_latency_ns")])
    assert ("log-integrity", Judgement.UNSUPPORTED) in raised(root)


@pytest.mark.parametrize(
    ("scenario", "key"), [(AMD, "result_samples_per_second"), (NVIDIA, "completed_samples_per_sec")]
)
def test_a_rate_that_was_raised_is_contradicted(tmp_path: Path, scenario: str, key: str) -> None:
    root = copied(tmp_path, scenario)
    folder = root / scenario / "performance/run_1"
    pattern = rf'({key}", "value": )([\d.]+)'
    changed(folder / DETAIL, lambda text: re.sub(pattern, lambda m: f"{m[1]}{float(m[2]) * 1.2:.4f}", text))
    (folder / SUMMARY).unlink()
    assert ("throughput", Judgement.CONTRADICTED) in raised(root)


@pytest.mark.parametrize(
    ("metric", "value"), [("exact_match", "80.5"), ("tokens_per_sample", "3400.1"), ("tokens_per_sample", "4400.2")]
)
def test_a_score_that_misses_its_range_is_contradicted(tmp_path: Path, metric: str, value: str) -> None:
    root = copied(tmp_path, NVIDIA)
    assert complaints(audit_path(root)) == []
    score = rf"('{metric}': )[\d.]+"
    changed(root / NVIDIA / "accuracy/accuracy.txt", lambda text: re.sub(score, rf"\g<1>{value}", text))
    assert raised(root) == {("accuracy-target", Judgement.CONTRADICTED)}


def test_an_accuracy_runs_seeds_bind_nothing_and_a_performance_runs_do(tmp_path: Path) -> None:
    root = copied(tmp_path, NVIDIA)

    def other_seed(text: str) -> str:
        return re.sub(r'(effective_qsl_rng_seed", "value": )\d+', r"\g<1>7", text)

    changed(root / NVIDIA / "accuracy" / DETAIL, other_seed)
    assert complaints(audit_path(root)) == []
    changed(root / NVIDIA / "performance/run_1" / DETAIL, other_seed)
    assert ("log-settings", Judgement.CONTRADICTED) in raised(root)
