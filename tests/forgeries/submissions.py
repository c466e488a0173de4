"""Defects of a closed submission, one each: what the check of a whole tree must find, by the rule that finds it."""

from __future__ import annotations

import json
import re
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.forgeries.model import Registry
from tests.forgeries.trees import logged, multiply, replace, rewrite

from assay.benchmarks.mlperf import seeds

DEFECTS = Registry()
_RECORDED = Path(__file__).parents[1] / "recorded" / "rehearsal-tree.tar.xz"
_TREE = "submission"
_DETAIL, _SUMMARY, _ACCURACY = "mlperf_log_detail.txt", "mlperf_log_summary.txt", "mlperf_log_accuracy.json"
_SUBMITTER = Path("closed/ACME")
_SYSTEM = "a_simulated_server"
_PASSING = (
    "{'rouge1': '38.7792', 'rouge2': '15.9075', 'rougeL': '24.4957', 'rougeLsum': '35.793', 'gen_len': 8167644, "
    "'gen_num': 13368}"
)


def good_submission(folder: Path) -> Path:
    """The recorded rehearsal with scores that pass: made up, as its answers are."""
    with tarfile.open(_RECORDED) as archive:
        archive.extractall(folder, filter="data")
    tree = folder / "submission"
    for scores in tree.rglob("accuracy/accuracy.txt"):
        scores.write_text(re.sub(r"\{.*\}", _PASSING, scores.read_text()))
    return tree


def result(root: Path, scenario: str = "Server") -> Path:
    return root / _SUBMITTER / "results" / _SYSTEM / "llama3.1-8b" / scenario


def run(root: Path, scenario: str = "Server") -> Path:
    return result(root, scenario) / "performance/run_1"


def system(root: Path) -> Path:
    return root / _SUBMITTER / "systems" / f"{_SYSTEM}.json"


def scores(root: Path) -> Path:
    return result(root) / "accuracy/accuracy.txt"


def answers(root: Path, change: Callable[[list[dict[str, Any]]], object]) -> None:
    """Change the answers that TEST06 logged."""
    log = result(root) / "TEST06/accuracy" / _ACCURACY
    entries = json.loads(log.read_text())
    change(entries)
    log.write_text(json.dumps(entries))


def missing(file: str) -> Callable[[Path], None]:
    return lambda root: (result(root) / file).unlink()


def emptied(file: str) -> Callable[[Path], None]:
    return lambda root: (result(root) / file).write_text("")


def described(**changes: object) -> Callable[[Path], None]:
    """Other fields of the system's description; None leaves one out."""

    def change(root: Path) -> None:
        def edit(data: dict[str, Any]) -> None:
            data.update(changes)
            for name in [name for name, value in changes.items() if value is None]:
                del data[name]

        rewrite(system(root), edit)

    return change


for _file in (
    "README.md",
    "user.conf",
    "measurements.json",
    f"performance/run_1/{_DETAIL}",
    f"performance/run_1/{_SUMMARY}",
    f"accuracy/{_DETAIL}",
    "accuracy/accuracy.txt",
    f"accuracy/{_ACCURACY}",
    f"TEST06/accuracy/{_ACCURACY}",
):
    DEFECTS.add(f"no {_file}", _TREE, "tree-files")(missing(_file))
for _file in ("README.md", "user.conf"):
    DEFECTS.add(f"an empty {_file}", _TREE, "tree-files")(emptied(_file))


@DEFECTS.add("no source", _TREE, "tree-files")
def _(root: Path) -> None:
    shutil.rmtree(root / _SUBMITTER / "src")


@DEFECTS.add("a source folder without a file", _TREE, "tree-files")
def _(root: Path) -> None:
    shutil.rmtree(root / _SUBMITTER / "src")
    (root / _SUBMITTER / "src/engine").mkdir(parents=True)


@DEFECTS.add("a folder where user.conf should be", _TREE, "tree-files")
def _(root: Path) -> None:
    (result(root) / "user.conf").unlink()
    (result(root) / "user.conf").mkdir()


@DEFECTS.add("a result's folder with nothing in it", _TREE, "tree-files")
def _(root: Path) -> None:
    result(root, "Interactive").mkdir()


@DEFECTS.add("an open submission without model_mapping.json", _TREE, "tree-files")
def _(root: Path) -> None:
    (root / "closed").rename(root / "open")


@DEFECTS.add("an open submission whose mapping forgets its benchmark", _TREE, "tree-files")
def _(root: Path) -> None:
    (root / "closed").rename(root / "open")
    (root / "open/ACME/model_mapping.json").write_text('{"other": "llama3.1-8b"}')


@DEFECTS.add("no description of the system", _TREE, "system-description")
def _(root: Path) -> None:
    system(root).unlink()


@DEFECTS.add("a description that is cut off", _TREE, "system-description")
def _(root: Path) -> None:
    system(root).write_text(system(root).read_text()[:100])


@DEFECTS.add("a description that is a list", _TREE, "system-description")
def _(root: Path) -> None:
    system(root).write_text("[]")


@DEFECTS.add("results of a system by another name", _TREE, "system-description")
def _(root: Path) -> None:
    system(root).rename(system(root).with_name("another.json"))


for _name, _changes in {
    "a system without a word on its cooling": {"cooling": ""},
    "a system without its framework": {"framework": None},
    "a count of nodes that is a bare 0": {"number_of_nodes": 0},
    "a count of nodes in words": {"number_of_nodes": "two"},
    "a huge count of accelerators": {"accelerators_per_node": "9" * 5000},
    "a status that there isn't": {"status": "shipping soon"},
    "a kind of system that there isn't": {"system_type": "cloud"},
    "a system for edge benchmarks": {"system_type": "edge"},
    "another division's description": {"division": "open"},
    "another submitter's description": {"submitter": "OTHER"},
    "a network system in the closed division": {"is_network": "true"},
    "a status that is a list": {"status": ["available"]},
}.items():
    DEFECTS.add(_name, _TREE, "system-description")(described(**_changes))


@DEFECTS.add("a network submission of a system that isn't on a network", _TREE, "system-description")
def _(root: Path) -> None:
    described(division="network")(root)
    (root / "closed").rename(root / "network")


@DEFECTS.add("a network submission whose LoadGen knew of no network", _TREE, "log-settings")
def _(root: Path) -> None:
    described(division="network", is_network="true")(root)
    (root / "closed").rename(root / "network")


@DEFECTS.add("weights that are not told", _TREE, "measurements")
def _(root: Path) -> None:
    rewrite(result(root) / "measurements.json", lambda data: data.update(starting_weights_filename=""))


@DEFECTS.add("measurements.json without its transformations", _TREE, "measurements")
def _(root: Path) -> None:
    rewrite(result(root) / "measurements.json", lambda data: data.pop("weight_transformations"))


@DEFECTS.add("measurements.json that is no JSON", _TREE, "measurements")
def _(root: Path) -> None:
    (result(root) / "measurements.json").write_text("input_data_types: int32")


@DEFECTS.add("measurements.json with a number of many digits", _TREE, "measurements")
def _(root: Path) -> None:
    (result(root) / "measurements.json").write_text('{"retraining": ' + "9" * 5000 + "}")


@DEFECTS.add("measurements.json nested without end", _TREE, "measurements")
def _(root: Path) -> None:
    (result(root) / "measurements.json").write_text("[" * 100_000)


@DEFECTS.add("a benchmark that there isn't", _TREE, "submitted-round")
def _(root: Path) -> None:
    result(root).parent.rename(result(root).parent.with_name("llama9"))


@DEFECTS.add("a benchmark of earlier rounds", _TREE, "submitted-round")
def _(root: Path) -> None:
    result(root).parent.rename(result(root).parent.with_name("mixtral-8x7b"))


@DEFECTS.add("results of the round before", _TREE, "submitted-round")
def _(root: Path) -> None:
    for log in root.rglob(f"performance/run_1/{_DETAIL}"):
        for key, seed in seeds("v6.0").items():
            log.write_text(re.sub(rf'(effective_{key}", "value": )\d+', rf"\g<1>{seed}", log.read_text()))


@DEFECTS.add("accuracy by another LoadGen", _TREE, "same-configuration")
def _(root: Path) -> None:
    replace(result(root) / "accuracy" / _DETAIL, "6.0.17 @ d6147c7eb7", "6.0.17 @ 0123456789")


@DEFECTS.add("accuracy of another system under test", _TREE, "same-configuration")
def _(root: Path) -> None:
    replace(result(root) / "accuracy" / _DETAIL, "PySUT", "AnotherSUT")


@DEFECTS.add("Offline's accuracy run for Server's", _TREE, "same-configuration")
def _(root: Path) -> None:
    shutil.copy(result(root, "Offline") / "accuracy" / _DETAIL, result(root) / "accuracy")


@DEFECTS.add("Offline alone", _TREE, "needed-scenarios")
def _(root: Path) -> None:
    shutil.rmtree(result(root))


@DEFECTS.add("Server alone", _TREE, "needed-scenarios")
def _(root: Path) -> None:
    shutil.rmtree(result(root, "Offline"))


@DEFECTS.add("a scenario of edge systems", _TREE, "needed-scenarios")
def _(root: Path) -> None:
    shutil.copytree(result(root), result(root, "SingleStream"))


@DEFECTS.add("an accuracy log that isn't cut", _TREE, "accuracy-log")
def _(root: Path) -> None:
    log = result(root) / "accuracy" / _ACCURACY
    log.write_bytes(log.read_bytes() * 2)


@DEFECTS.add("scores without a hash", _TREE, "accuracy-log")
def _(root: Path) -> None:
    scores(root).write_text(re.sub("hash=.*", "", scores(root).read_text()))


@DEFECTS.add("a hash that is none", _TREE, "accuracy-log")
def _(root: Path) -> None:
    scores(root).write_text(re.sub("hash=.*", "hash=yes", scores(root).read_text()))


@DEFECTS.add("a short log under another log's hash", _TREE, "accuracy-log")
def _(root: Path) -> None:
    (result(root) / "accuracy" / _ACCURACY).write_text("[\n]\n")


@DEFECTS.add("answers that end twice pass TEST06", _TREE, "compliance-answers")
def _(root: Path) -> None:
    def ends(entries: list[dict[str, Any]]) -> None:
        entries[0].update(data=entries[0]["data"] + "09F40100" * 2, token_count=entries[0]["token_count"] + 2)

    answers(root, ends)


@DEFECTS.add("first tokens of other answers pass TEST06", _TREE, "compliance-answers")
def _(root: Path) -> None:
    answers(root, lambda entries: entries[0].update(token_data="01000000"))


@DEFECTS.add("counts of other answers pass TEST06", _TREE, "compliance-answers")
def _(root: Path) -> None:
    answers(root, lambda entries: entries[0].update(token_count=127))


@DEFECTS.add("TEST06 of answers that were chosen", _TREE, "compliance-settings")
def _(root: Path) -> None:
    logged(result(root) / "TEST06/performance/run_1" / _DETAIL, "effective_accuracy_log_rng_seed", "7203815", "1203815")


@DEFECTS.add("TEST06 of ten answers", _TREE, "compliance-settings")
def _(root: Path) -> None:
    logged(result(root) / "TEST06/performance/run_1" / _DETAIL, "effective_accuracy_log_sampling_target", "100", "10")


@DEFECTS.add("the performance run stands for TEST06", _TREE, "compliance-settings")
def _(root: Path) -> None:
    for log in (_DETAIL, _SUMMARY):
        shutil.copy(run(root) / log, result(root) / "TEST06/performance/run_1")


@DEFECTS.add("a log of TEST06 that holds no answers", _TREE, "compliance-answers")
def _(root: Path) -> None:
    answers(root, lambda entries: entries.clear())


@DEFECTS.add("a TEST06 that doesn't say that it was passed", _TREE, "submission-files")
def _(root: Path) -> None:
    replace(result(root) / "TEST06/verify_accuracy.txt", "EOS check pass: True", "EOS check pass: False")


@DEFECTS.add("no TEST06", _TREE, "submission-files")
def _(root: Path) -> None:
    shutil.rmtree(result(root) / "TEST06")


@DEFECTS.add("LoadGen calls it INVALID", _TREE, "valid-claim")
def _(root: Path) -> None:
    logged(run(root) / _DETAIL, "result_validity", '"VALID"', '"INVALID"')
    replace(run(root) / _SUMMARY, "VALID", "INVALID")


@DEFECTS.add("an error in the performance log", _TREE, "log-errors")
def _(root: Path) -> None:
    error(run(root) / _DETAIL)


@DEFECTS.add("an error in the accuracy log", _TREE, "log-errors")
def _(root: Path) -> None:
    error(result(root) / "accuracy" / _DETAIL)


def error(log: Path) -> None:
    line = ':::MLLOG {"key": "error_runtime", "value": "n_tokens is 1", "metadata": {"is_error": true}}\n'
    log.write_text(line + log.read_text())


@DEFECTS.add("samples that aren't asked equally often", _TREE, "log-settings")
def _(root: Path) -> None:
    logged(run(root) / _DETAIL, "effective_sample_concatenate_permutation", "true", "false")


@DEFECTS.add("seeds of no round", _TREE, "log-settings")
def _(root: Path) -> None:
    multiply(run(root) / _DETAIL, "effective_schedule_rng_seed", 0.5)


@DEFECTS.add("a part of the samples", _TREE, "log-settings")
def _(root: Path) -> None:
    logged(run(root) / _DETAIL, "effective_performance_sample_count", "13368", "1000")


@DEFECTS.add("a minute instead of ten", _TREE, "too-short")
def _(root: Path) -> None:
    logged(run(root) / _DETAIL, "effective_min_duration_ms", "600000", "60000")


@DEFECTS.add("a Server run in Interactive's folder", _TREE, "latency-limits")
def _(root: Path) -> None:
    shutil.copytree(result(root), result(root, "Interactive"))


@DEFECTS.add("token latencies weren't measured", _TREE, "log-settings")
def _(root: Path) -> None:
    logged(run(root) / _DETAIL, "requested_use_token_latencies", "true", "false")


@DEFECTS.add("a score below its target", _TREE, "accuracy-target")
def _(root: Path) -> None:
    replace(scores(root), "'38.7792'", "'38.1'")


@DEFECTS.add("answers of another length", _TREE, "accuracy-target")
def _(root: Path) -> None:
    replace(scores(root), "'gen_len': 8167644", "'gen_len': 5000000")


@DEFECTS.add("scores of a part of the samples", _TREE, "accuracy-samples")
def _(root: Path) -> None:
    replace(scores(root), "'gen_num': 13368", "'gen_num': 5000")


@DEFECTS.add("scores over more samples than a number can hold", _TREE, "accuracy-target")
def _(root: Path) -> None:
    scores(root).write_text(re.sub(r"\d+", "9" * 400, scores(root).read_text()))


@DEFECTS.add("bytes that are no log", _TREE, "log-integrity")
def _(root: Path) -> None:
    (run(root) / _DETAIL).write_bytes(bytes(range(256)) * 64)
