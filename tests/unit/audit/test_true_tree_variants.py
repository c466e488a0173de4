"""What true submission trees may hold besides the usual; none of it is accused."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.audits import complaints
from tests.forgeries.trees import logged, replace, run
from tests.forgeries.true_trees import BENCHMARK, DETAIL, SUMMARY, make_loadgen_tree

from assay.audit import audit_path

Change = Callable[[Path], None]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_loadgen_tree(tmp_path_factory.mktemp("tree"))


def accuracy_summary_cut(root: Path) -> None:
    (root / BENCHMARK / "Server/accuracy" / SUMMARY).write_text("")


def accuracy_seeds_of_no_round(root: Path) -> None:
    log = root / BENCHMARK / "Server/accuracy" / DETAIL
    log.write_text(re.sub(r'(rng_seed", "value": )\d+', r"\g<1>0", log.read_text()))


def looser_limits_told_to_loadgen(root: Path) -> None:
    logged(run(root, "Interactive") / DETAIL, "requested_server_tpot_latency", "30000000", "100000000")


def a_compliance_runs_log_in_the_accuracy_folder(root: Path) -> None:
    log = root / BENCHMARK / "Offline/accuracy" / DETAIL
    shutil.copy(run(root, "Offline") / DETAIL, log)
    logged(log, "effective_min_duration_ms", "600000", "0")
    logged(log, "generated_samples_per_query", "13368", "100")


def a_minimum_that_is_negative(root: Path) -> None:
    log = run(root, "Server") / SUMMARY
    log.write_text(re.sub(r"(Min Time to Output Token \(ns\)  : )\d+", r"\g<1>-312", log.read_text()))


def a_harmless_error_after_the_summary(root: Path) -> None:
    log = run(root, "Server") / DETAIL
    words = ("CAS failed.", "IssueQueryThread 0 Ending early: Max query count reached. query_count 13368")
    lines = [{"key": "error_runtime", "value": value, "metadata": {"is_error": True}} for value in words]
    log.write_text("".join(f":::MLLOG {json.dumps(line)}\n" for line in lines) + log.read_text())


def of_a_benchmark_that_is_not_known(*changes: Change) -> Change:
    def change(root: Path) -> None:
        for each in changes:
            each(root)
        for folder in sorted(root.glob("closed/*/results/*/llama3.1-8b")):
            folder.rename(folder.with_name("model-of-tomorrow"))

    return change


def a_mean_of_nothing(root: Path) -> None:
    log = run(root, "Server") / SUMMARY
    log.write_text(re.sub(r"(Mean Time to Output Token \(ns\)  : )\d+", r"\g<1>-nan", log.read_text()))


def scores_of_another_scale(root: Path) -> None:
    for file in root.rglob("accuracy/accuracy.txt"):
        file.write_text('{"exact_match": 83.2, "f1": 90.91}\naccuracy=76.3%\nhash=0\n')


def a_scenario_inferred_from_another(root: Path) -> None:
    """Edge systems may give SingleStream's log for Offline."""
    offline = run(root, "Offline")
    shutil.rmtree(offline)
    shutil.copytree(run(root, "Server"), offline)
    (offline / SUMMARY).unlink()
    log = offline / DETAIL
    logged(log, "effective_scenario", '"Server"', '"SingleStream"')
    replace(log, "result_completed_samples_per_sec", "result_qps_with_loadgen_overhead")
    latency = re.compile(r'"(result_[^"]*latency_ns)", "value": (\d+)')
    faster = latency.sub(lambda found: f'"{found[1]}", "value": {int(found[2]) // 100}', log.read_text())
    log.write_text(faster)


def a_mixture_of_accelerators(root: Path) -> None:
    description = next((root / "closed/ORG/systems").iterdir())
    data = json.loads(description.read_text())
    data["accelerator_model_name"] = "NVIDIA A2 / NVIDIA H100-SXM-80GB"
    description.write_text(json.dumps(data))


def a_description_with_a_byte_order_mark(root: Path) -> None:
    """Of a system whose folder's name tells no accelerators."""
    description = next((root / "closed/ORG/systems").iterdir())
    description.with_name("cluster.json").write_text(description.read_text(), encoding="utf-8-sig")
    (root / BENCHMARK).parent.rename(root / "closed/ORG/results/cluster")
    assert any(row.mfu is not None for row in audit_path(root).rows)


def one_log_for_two_accuracy_targets(root: Path) -> None:
    shutil.rmtree(root / BENCHMARK / "Interactive")
    shutil.copytree(root / BENCHMARK / "Offline", (root / BENCHMARK).with_name("llama3.1-8b-99") / "Offline")


VARIANTS: list[Change] = [
    accuracy_summary_cut,
    accuracy_seeds_of_no_round,
    looser_limits_told_to_loadgen,
    a_compliance_runs_log_in_the_accuracy_folder,
    a_minimum_that_is_negative,
    a_harmless_error_after_the_summary,
    a_scenario_inferred_from_another,
    a_mixture_of_accelerators,
    a_description_with_a_byte_order_mark,
    one_log_for_two_accuracy_targets,
]
OF_OTHERS = [a_mean_of_nothing, scores_of_another_scale]


@pytest.mark.parametrize("change", [*VARIANTS, *map(of_a_benchmark_that_is_not_known, OF_OTHERS)])
def test_a_true_variant_is_clean(tree: Path, tmp_path: Path, change: Change) -> None:
    root = Path(shutil.copytree(tree, tmp_path / "tree"))
    change(root)
    report = audit_path(root)
    assert complaints(report) == []
    assert len(report.rows) == 6
