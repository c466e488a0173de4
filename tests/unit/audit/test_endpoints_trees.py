"""A submission to MLPerf Endpoints: what a true one says holds, and each planted defect is found by its own rule."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.forgeries.curve_defects import DEFECTS, ID, POWER, Edit, every, fields, point, summary, system, without
from tests.forgeries.true_curves import CURVE, MODEL, OFFLINE, POINTS, add_curve, make_curve_tree

from assay.benchmarks.mlperf.endpoints import cohort_number, least_seconds, margin_end, may_take, regions
from assay.submission import check_tree


@pytest.fixture(scope="module")
def true_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_curve_tree(tmp_path_factory.mktemp("true"))


@pytest.fixture
def tree(true_tree: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(true_tree, tmp_path / "tree"))


def found(tree: Path) -> set[tuple[str, str]]:
    report = check_tree(tree, None, "v6.1").report
    return {(finding.rule, finding.statement) for finding in report.problems}


def test_a_true_submission_has_no_finding(tree: Path) -> None:
    for place in (tree, tree / "ORG", tree / ID):
        check = check_tree(place, None, "v6.1")
        assert check.report.problems == []
        assert next(result.name for result in check.results).endswith(f"results/8xH100/{MODEL}")
        assert check.report.not_judged


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_is_found_by_its_rule(tree: Path, defect: str) -> None:
    edit, rule, words = DEFECTS[defect]
    edit(tree)
    problems = found(tree)
    assert any(name == rule and words in statement for name, statement in problems), sorted(problems)


def elected(tree: Path) -> None:
    """The highest point stands for Offline, and the shares of the most are left out, for that is another now."""
    without(CURVE / f"r{OFFLINE}")(tree)
    point(128, offline="elected")(tree)
    shutil.copy(tree / CURVE / "r80/accuracy_results.json", tree / CURVE / "r128")
    for number in POINTS:
        system(number, tps_utilization=None)(tree)


def agentic(tree: Path) -> None:
    elected(tree)
    for number in POINTS:
        point(number, offline="none", model_name="agent", runtime_settings__load_pattern="agentic_inference")(tree)
    (tree / CURVE).rename(tree / CURVE.parent / "agent")


ALLOWED: dict[str, Edit] = {
    "the highest point elected for Offline": elected,
    "an agentic curve without Offline": agentic,
    "no steady window, and a long run": point(
        40, steady_state={"status": "insufficient_passes", "verdict": "not found"}
    ),
    "a declared power": fields(POWER, cpu={}, accelerator={}, provisioned_power_w=9000),
    "a rack's share": fields(POWER, cpu={}, accelerator={}, rack_power_w=9000, rack_nodes=2, submitted_nodes=1),
    "the last cohort of the seeds": every(target_cohort="2026-12-C0"),
}


@pytest.mark.parametrize("edit", ALLOWED.values(), ids=list(ALLOWED))
def test_what_the_rules_allow_is_no_finding(tree: Path, edit: Edit) -> None:
    edit(tree)
    assert found(tree) == set()


def test_the_power_of_parts_is_what_a_rate_is_held_against(tree: Path) -> None:
    """Two processors of 350 W and eight accelerators of 700 W, and half of that again for cooling with air."""
    data = json.loads((tree / CURVE / "r20/result_summary.json").read_text())
    rate = data["output_sequence_lengths"]["total"] / (data["duration_ns"] / 1e9)
    summary(20, system_tps_per_kw=rate / 9.45)(tree)
    assert found(tree) == set()


def test_each_system_of_a_submission_is_judged_by_itself(tree: Path) -> None:
    add_curve(tree / ID / "results/4xH100")
    assert found(tree) == set()
    (tree / ID / "results/4xH100" / MODEL / "r20/point.yaml").unlink()
    results = {result.name: result.findings for result in check_tree(tree, None, "v6.1").results}
    assert results[str(CURVE)] == []
    assert results[str(CURVE).replace("8xH100", "4xH100")]


@pytest.mark.parametrize("name", ["point.yaml", "system_desc.json", "result_summary.json", "accuracy_results.json"])
@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", '{"concurrency": {"a": 1}, "latency": 3, "n_samples_issued": "x", "qps": {}}', "\x00"]
)
def test_what_isnt_a_points_file_gives_findings(tree: Path, name: str, text: str) -> None:
    for number in (8, 10, 20, 80):
        (tree / CURVE / f"r{number}" / name).write_text(text)
    assert found(tree)


@pytest.mark.parametrize("value", ["9" * 5000, "9" * 400, "1e999", "-1", "[1]", "true", ".nan"])
def test_numbers_that_are_none_give_findings(tree: Path, value: str) -> None:
    for number in POINTS:
        for file in (tree / CURVE / f"r{number}").iterdir():
            text = file.read_text().replace(f"concurrency: {number}\n", f"concurrency: {value}\n")
            file.write_text(text.replace("128", value))
    assert found(tree)


def test_a_tree_without_any_result_gives_findings(tree: Path) -> None:
    for file in tree.rglob("*.json"):
        file.unlink()
    assert ("endpoints-tree", "the file is part of it") in found(tree)


@pytest.mark.parametrize(
    ("least", "most", "ends"),
    [  # the examples of rules 5.4; of the last its own algorithm gives 117 where the text has 116
        (32, 8192, [52, 437, 8192]),
        (1, 256, [7, 41, 256]),
        (16, 1024, [26, 117, 1024]),
        (32, 33, [33, 33, 33]),
    ],
)
def test_regions_end_where_the_rules_say(least: int, most: int, ends: list[int]) -> None:
    found = regions(least, most)
    assert [region.end for region in found] == ends
    assert all(region.end in region for region in found)
    assert [least in region for region in found] == [False] * 3


def test_margins_durations_and_cohorts() -> None:
    assert [margin_end(most) for most in (100, 101, 1024)] == [110, 112, 1127]
    assert [least_seconds(number) for number in (1, 32, 33)] == [600, 600, 1200]
    assert cohort_number("2027-01-C0") == (cohort_number("2026-12-C1") or 0) + 1
    assert cohort_number("2026-00-C0") is None
    took = [may_take("2026-10-C1", cohort) for cohort in ("2026-10-C0", "2026-10-C1", "2026-12-C0", "2026-12-C1")]
    assert took == [False, True, True, False]
