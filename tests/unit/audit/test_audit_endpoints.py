"""Results of the MLPerf Endpoints client are read wherever they stand, and judged by what they say."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.audits import complaints
from tests.forgeries.true_trees import BENCHMARK, make_endpoints_tree, samples, write_summary
from tests.paths import shared_rounds

from assay.audit import audit_path, read_evidence


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_endpoints_tree(tmp_path_factory.mktemp("tree"))


def scored(folder: Path, *entries: dict[str, Any]) -> Path:
    folder.mkdir(parents=True)
    (folder / "accuracy_results.json").write_text(json.dumps({"accuracy_scores": list(entries)}))
    return folder


def test_any_file_and_folder_of_the_tree_can_be_given(tree: Path) -> None:
    server = tree / BENCHMARK / "Server"
    for path in (server, server / "performance", server / "performance/result_summary.json", server / "accuracy"):
        report = audit_path(path)
        assert complaints(report) == []
        assert report.rows
    row = audit_path(server / "performance").rows[0]
    assert (row.scenario, row.samples) == ("Server", 13_368)
    assert row.samples_per_s == pytest.approx(20, rel=0.05)


def test_results_one_folder_deeper_are_the_same(tree: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(tree, tmp_path / "tree"))
    run = root / BENCHMARK / "Server/performance/run_1"
    run.mkdir()
    (run.parent / "result_summary.json").rename(run / "result_summary.json")
    evidence = read_evidence(run)
    assert evidence.runs[0].endpoints is not None
    assert evidence.runs[0].endpoints.load == "poisson"
    assert complaints(audit_path(root)) == []


def test_a_tree_of_mlperf_endpoints_own(tmp_path: Path) -> None:
    point = tmp_path / "ORG/1/results/8xH100/llama3.1-8b/r1"
    score = {"rouge1": "38.9", "rouge2": "16.0", "rougeL": "24.6", "rougeLsum": "36.0", "gen_len": "8200000"}
    scored(point, {"score": score, "total_samples": 13_368})
    write_summary(point / "result_summary.json", samples("Server"), online=True)
    evidence = read_evidence(tmp_path)
    assert evidence.kind == "MLPerf Endpoints results"
    assert [(run.benchmark, run.mode) for run in evidence.runs] == [
        ("llama3.1-8b", "performance"),
        ("llama3.1-8b", "accuracy"),
    ]
    assert complaints(audit_path(tmp_path)) == []
    (point / "accuracy_results.json").write_text(
        json.dumps({"accuracy_scores": [{"score": {**score, "rouge1": "1.0"}}]})
    )
    assert [finding.rule for finding in audit_path(tmp_path).problems] == ["accuracy-target"]


@pytest.mark.parametrize(
    ("benchmark", "entries", "name", "value"),
    [
        (  # three data sets, in shares
            "gpt-oss-120b",
            [
                {"score": 0.84, "unit_samples": 30, "total_samples": 240},
                {"score": 0.73, "unit_samples": 198, "total_samples": 990},
                {"score": 0.85, "unit_samples": 1055, "total_samples": 3165},
            ],
            "exact_match",
            100 * (0.84 * 30 + 0.73 * 198 + 0.85 * 1055) / 1283,
        ),
        ("deepseek-r1", [{"score": 81.4, "total_samples": 4388}], "exact_match", 81.4),
        ("qwen3-vl-235b-a22b", [{"score": 0.7911, "total_samples": 48_289}], "f1", 0.7911),
        ("qwen3-vl-235b-a22b", [{"score": 0.79}, {"score": 0.1, "dataset_type": "performance"}], "f1", 0.79),
    ],
)
def test_a_single_score(tmp_path: Path, benchmark: str, entries: list[dict[str, Any]], name: str, value: float) -> None:
    folder = scored(tmp_path / "closed/ORG/results/S" / benchmark / "Offline/accuracy", *entries)
    quality = read_evidence(folder).runs[0].quality
    assert quality.scores == {name: pytest.approx(value)}
    assert complaints(audit_path(folder)) == []


def test_interactive_has_its_own_count_and_target(tmp_path: Path) -> None:
    entry = {"score": 0.78, "total_samples": 8_000}
    for scenario, clean in (("Interactive", True), ("Server", False)):
        folder = scored(tmp_path / "closed/ORG/results/S/qwen3-vl-235b-a22b" / scenario / "accuracy", entry)
        assert (complaints(audit_path(folder)) == []) is clean


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"latency": 3, "n_samples_issued": "x", "qps": {}}', '{"qps": 1e999}']
)
def test_what_isnt_a_summary_gives_a_verdict(tree: Path, tmp_path: Path, text: str) -> None:
    root = Path(shutil.copytree(tree, tmp_path / "tree"))
    (root / BENCHMARK / "Server/performance/result_summary.json").write_text(text)
    assert audit_path(root).exit_code in (0, 3)


def test_the_constructed_tree_is_refused_with_its_reasons() -> None:
    report = audit_path(shared_rounds() / "endpoints-constructed")
    rules = {finding.rule for finding in report.problems}
    assert {"accuracy-target", "repeated-quantity", "submission-files", "identical-figures", "token-rate"} <= rules


@pytest.mark.parametrize(
    ("words", "objection"),
    [
        ("Accuracy score: 61.6\nAccuracy threshold: 60.698\nTEST PASS\n", ""),
        (
            "Accuracy score: 55.0\nAccuracy threshold: 50.0\nTEST PASS\n",
            "states a score of 55, and 60.698 is asked for",
        ),
        ("Accuracy score: none\nTEST PASS\n", "states no score"),
        ("TEST PASS\n", "states no score"),
        ("Accuracy score: 61.6\nTEST FAIL\n", "doesn't say 'TEST PASS'"),
    ],
)
def test_the_score_that_test07_states_is_held_against_the_tests_own_least(
    tmp_path: Path, words: str, objection: str
) -> None:
    scenario = tmp_path / "closed/ORG/results/S/gpt-oss-120b/Offline"
    for folder in ("performance", "TEST07"):
        (scenario / folder).mkdir(parents=True)
    (scenario / "performance/result_summary.json").write_text("{}")
    (scenario / "TEST07/verify_accuracy.txt").write_text(words)
    (run,) = read_evidence(tmp_path).runs
    assert run.submitted is not None
    assert set(run.submitted.tests) == {"TEST07"}
    said = run.submitted.tests["TEST07"]
    assert objection in said
    assert bool(objection) == bool(said)
