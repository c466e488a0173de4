"""Forgeries of submission trees: what a submitter could change in a true one to look better than it was."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.forgeries.model import Registry
from tests.forgeries.true_trees import BENCHMARK, DETAIL, SUMMARY, SYSTEM

from assay.benchmarks.mlperf import seeds

FORGERIES = Registry()
_TREE, _CLIENT = "loadgen-tree", "endpoints-tree"


def replace(file: Path, old: str, new: str) -> None:
    """Put `new` for every `old`, of which there must be one."""
    text = file.read_text()
    assert old in text, old
    file.write_text(text.replace(old, new))


def multiply(file: Path, key: str, factor: float, digits: int = 6) -> None:
    """Multiply a figure of a detail log or a JSON file."""
    text, count = re.subn(
        rf'({re.escape(key)}"(?:, "value")?: )([\d.e+]+)',
        lambda found: f"{found[1]}{float(found[2]) * factor:.{digits}g}",
        file.read_text(),
    )
    assert count, key
    file.write_text(text)


def logged(file: Path, key: str, old: str, new: str) -> None:
    """Write another value of a key to a detail log."""
    replace(file, f'{key}", "value": {old}', f'{key}", "value": {new}')


def run(root: Path, scenario: str) -> Path:
    return root / BENCHMARK / scenario / "performance/run_1"


def summary(root: Path, scenario: str) -> Path:
    return root / BENCHMARK / scenario / "performance/result_summary.json"


def rewrite(file: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the object of a JSON file."""
    data = json.loads(file.read_text())
    change(data)
    file.write_text(json.dumps(data))


def scores(root: Path) -> list[Path]:
    return sorted(root.rglob("accuracy/accuracy.txt"))


@FORGERIES.add("an INVALID run stands as a result", _TREE, "valid-claim")
def _(root: Path) -> None:
    for log in (DETAIL, SUMMARY):
        replace(run(root, "Server") / log, "VALID", "INVALID")


@FORGERIES.add("VALID was written over the summary's INVALID", _TREE, "log-integrity")
def _(root: Path) -> None:
    replace(run(root, "Server") / DETAIL, '"VALID"', '"INVALID"')


@FORGERIES.add("early stopping wasn't met", _TREE, "valid-claim")
def _(root: Path) -> None:
    replace(run(root, "Server") / DETAIL, '"early_stopping_met", "value": true', '"early_stopping_met", "value": false')


@FORGERIES.add("Offline's rate was raised in both logs", _TREE, "throughput")
def _(root: Path) -> None:
    folder = run(root, "Offline")
    multiply(folder / DETAIL, "result_samples_per_second", 1.3)
    (folder / SUMMARY).unlink()


@FORGERIES.add("Server's rate was raised in one log", _TREE, "log-integrity")
def _(root: Path) -> None:
    multiply(run(root, "Server") / DETAIL, "result_completed_samples_per_sec", 1.1)


@FORGERIES.add("Server completed more than was asked for", _TREE, "schedule-rate")
def _(root: Path) -> None:
    folder = run(root, "Server")
    multiply(folder / DETAIL, "result_completed_samples_per_sec", 1.1)
    (folder / SUMMARY).unlink()


@FORGERIES.add("the data set was cut to a tenth", _TREE, "log-settings")
def _(root: Path) -> None:
    logged(run(root, "Server") / DETAIL, "effective_performance_sample_count", "13368", "1336")


@FORGERIES.add("the Offline query was cut short", _TREE, "log-settings")
def _(root: Path) -> None:
    logged(run(root, "Offline") / DETAIL, "generated_samples_per_query", "13368", "1000")


@FORGERIES.add("one sample was asked again and again", _TREE, "log-settings")
def _(root: Path) -> None:
    logged(run(root, "Offline") / DETAIL, "issue_same", "false", "true")


@FORGERIES.add("seeds that suit", _TREE, "log-settings")
def _(root: Path) -> None:
    replace(run(root, "Server") / DETAIL, "14771362308971278857", "1234")


@FORGERIES.add("token latencies weren't measured", _TREE, "log-settings")
def _(root: Path) -> None:
    logged(run(root, "Server") / DETAIL, "_use_token_latencies", "true", "false")


@FORGERIES.add("a minute instead of ten", _TREE, "too-short")
def _(root: Path) -> None:
    logged(run(root, "Offline") / DETAIL, "_min_duration_ms", "600000", "60000")


@FORGERIES.add("a Server run in Interactive's folder", _TREE, "latency-limits")
def _(root: Path) -> None:
    folder = run(root, "Interactive")
    for name in ("server_ttft_latency", "server_tpot_latency"):
        multiply(folder / DETAIL, name, 4, digits=12)
    text = (folder / SUMMARY).read_text()
    slower = re.sub(r"(to output token \(ns\)  : )(\d+)", lambda found: f"{found[1]}{int(found[2]) * 2}", text)
    (folder / SUMMARY).write_text(slower)


@FORGERIES.add("LoadGen's errors are kept silent about", _TREE, "log-errors")
def _(root: Path) -> None:
    log = run(root, "Server") / DETAIL
    line = ':::MLLOG {"key": "error_runtime", "value": "n_tokens is 1", "metadata": {"is_error": true}}\n'
    log.write_text(line + log.read_text())


@FORGERIES.add("the log's end was cut off", _TREE, "log-integrity")
def _(root: Path) -> None:
    log = run(root, "Offline") / DETAIL
    log.write_bytes(log.read_bytes()[: log.stat().st_size // 2])


@FORGERIES.add("a missed ROUGE target", _TREE, "accuracy-target")
def _(root: Path) -> None:
    replace(scores(root)[0], "'rouge1': '38.7792'", "'rouge1': '37.2'")


@FORGERIES.add("ROUGE-1 as a fraction of one", _TREE, "accuracy-target")
def _(root: Path) -> None:
    for file in scores(root):
        replace(file, "'rouge1': '38.7792'", "'rouge1': '1.0'")


@FORGERIES.add("answers too short to be the model's", _TREE, "accuracy-target")
def _(root: Path) -> None:
    replace(scores(root)[0], "'gen_len': 8167644", "'gen_len': 6000000")


@FORGERIES.add("a score that missed isn't stated", _TREE, "accuracy-target")
def _(root: Path) -> None:
    replace(scores(root)[0], "'rouge2': '15.9075', ", "")


@FORGERIES.add("accuracy.txt without a score", _TREE, "accuracy-target")
def _(root: Path) -> None:
    scores(root)[0].write_text(f"hash={'0' * 64}\n")


@FORGERIES.add("an accuracy run over a part of the data", _TREE, "log-settings")
def _(root: Path) -> None:
    log = root / BENCHMARK / "Server/accuracy" / DETAIL
    logged(log, "qsl_reported_total_count", "13368", "1000")


@FORGERIES.add("an accuracy run over a part of the data, told to be over the whole", _TREE, "log-settings")
def _(root: Path) -> None:
    log = root / BENCHMARK / "Server/accuracy" / DETAIL
    (line,) = [line for line in log.read_text().splitlines(keepends=True) if "qsl_reported_total_count" in line]
    asked = line.replace("qsl_reported_total_count", "effective_accuracy_sample_count")
    replace(log, line, line.replace("13368", "1000") + asked)


@FORGERIES.add("accuracy over a hundred samples", _TREE, "accuracy-samples")
def _(root: Path) -> None:
    replace(scores(root)[0], "'gen_num': 13368", "'gen_num': 100")


@FORGERIES.add("the figures of eight cards for one A2", _TREE, "ceiling-throughput")
def _(root: Path) -> None:
    description = root / "closed/ORG/systems" / f"{SYSTEM}.json"
    replace(description, "NVIDIA H100-SXM-80GB", "NVIDIA A2")
    replace(description, '"accelerators_per_node": 8', '"accelerators_per_node": 1')
    for scenario in ("Server", "Interactive"):
        for log in run(root, scenario).iterdir():
            log.unlink()
    folder = run(root, "Offline")
    for key in ("result_samples_per_second", "result_tokens_per_second"):
        multiply(folder / DETAIL, key, 4)
    (folder / SUMMARY).unlink()


@FORGERIES.add("an accuracy run's log stands for the performance run", _TREE, "log-integrity")
def _(root: Path) -> None:
    folder = run(root, "Server")
    shutil.copy(root / BENCHMARK / "Server/accuracy" / DETAIL, folder)
    (folder / SUMMARY).unlink()


@FORGERIES.add("a log of an older round among the others", _TREE, "one-submission")
def _(root: Path) -> None:
    log = run(root, "Server") / DETAIL
    for key, new in seeds("v5.0").items():
        text = re.sub(rf'(effective_{key}", "value": )\d+', rf"\g<1>{new}", log.read_text())
        log.write_text(text)


@FORGERIES.add("another submitter's logs", _TREE, "one-submission")
def _(root: Path) -> None:
    shutil.copytree(root / "closed/ORG", root / "closed/OTHER")


@FORGERIES.add("another system's logs", _TREE, "one-submission")
def _(root: Path) -> None:
    shutil.copytree((root / BENCHMARK).parent, root / "closed/ORG/results/16xH100")
    description = root / "closed/ORG/systems" / f"{SYSTEM}.json"
    shutil.copy(description, description.with_name("16xH100.json"))
    rewrite(description.with_name("16xH100.json"), lambda data: data.update(number_of_nodes=2))


@FORGERIES.add("tokens that no answer can have", _TREE, "output-ends")
def _(root: Path) -> None:
    folder = run(root, "Offline")
    multiply(folder / DETAIL, "result_tokens_per_second", 1.4)
    (folder / SUMMARY).unlink()


@FORGERIES.add("no accuracy run", _TREE, "submission-files")
def _(root: Path) -> None:
    shutil.rmtree(root / BENCHMARK / "Server/accuracy")


@FORGERIES.add("no compliance run", _TREE, "submission-files")
def _(root: Path) -> None:
    shutil.rmtree(root / BENCHMARK / "Offline/TEST06")


@FORGERIES.add("a compliance test that failed", _TREE, "submission-files")
def _(root: Path) -> None:
    replace(root / BENCHMARK / "Server/TEST06/verify_accuracy.txt", "EOS check pass: True", "EOS check pass: False")


@FORGERIES.add("the client's ROUGE-1 as a fraction of one", _CLIENT, "accuracy-target")
def _(root: Path) -> None:
    for file in root.rglob("accuracy_results.json"):
        replace(file, '"rouge1": "38.7792"', '"rouge1": 1.0')


@FORGERIES.add("the client scored no answer", _CLIENT, "accuracy-target")
def _(root: Path) -> None:
    (root / BENCHMARK / "Server/accuracy/accuracy_results.json").write_text('{"accuracy_scores": []}')


@FORGERIES.add("the client scored a part", _CLIENT, "log-integrity")
def _(root: Path) -> None:
    replace(root / BENCHMARK / "Server/accuracy/accuracy_results.json", '"complete": true', '"complete": false')


@FORGERIES.add("the client scored a hundred answers", _CLIENT, "accuracy-samples")
def _(root: Path) -> None:
    for file in root.rglob("accuracy_results.json"):
        rewrite(file, lambda data: data["accuracy_scores"][0]["score"].update(gen_num=100))


@FORGERIES.add("the client's compliance test is left out", _CLIENT, "submission-files")
def _(root: Path) -> None:
    shutil.rmtree(root / BENCHMARK / "Server/audit")


@FORGERIES.add("the client's compliance test failed", _CLIENT, "submission-files")
def _(root: Path) -> None:
    replace(root / BENCHMARK / "Server/audit/audit_consistency_output_test.json", "true", "false")


@FORGERIES.add("every percentile of the client's is one number", _CLIENT, "repeated-quantity")
def _(root: Path) -> None:
    flat = {"min": 9e9, "max": 9e9, "avg": 9e9, "early_stopping_percentiles": {"50.0": 9e9, "99.0": 9e9}}
    rewrite(summary(root, "Offline"), lambda data: data.update(latency=flat))


@FORGERIES.add("one run stands for two scenarios", _CLIENT, "identical-figures")
def _(root: Path) -> None:
    shutil.copy(summary(root, "Interactive"), summary(root, "Server"))


@FORGERIES.add("the client's rate was raised", _CLIENT, "throughput")
def _(root: Path) -> None:
    multiply(summary(root, "Offline"), "qps", 1.2, digits=12)
    multiply(summary(root, "Offline"), "tps", 1.2, digits=12)


@FORGERIES.add("the client's tokens were raised", _CLIENT, "token-rate")
def _(root: Path) -> None:
    multiply(summary(root, "Server"), "tps", 1.1, digits=12)


@FORGERIES.add("the client's TTFT misses Interactive's limit", _CLIENT, "latency-limits")
def _(root: Path) -> None:
    def later(data: dict[str, Any]) -> None:
        for name in ("percentiles", "early_stopping_percentiles"):
            data["ttft"][name]["99.0"] = data["ttft"]["max"] = 900_000_000

    rewrite(summary(root, "Interactive"), later)


@FORGERIES.add("an estimate below its own percentile", _CLIENT, "percentile-order")
def _(root: Path) -> None:
    rewrite(summary(root, "Server"), lambda data: data["tpot"]["early_stopping_percentiles"].update({"99.0": 1.3e7}))


@FORGERIES.add("the client gave up before the end", _CLIENT, "log-integrity")
def _(root: Path) -> None:
    replace(summary(root, "Server"), '"complete": true', '"complete": false')


@FORGERIES.add("answers that failed are among the completed", _CLIENT, "ledger-balance")
def _(root: Path) -> None:
    rewrite(summary(root, "Server"), lambda data: data.update(n_samples_failed=500))


@FORGERIES.add("seeds of no round for the client", _CLIENT, "endpoints-settings")
def _(root: Path) -> None:
    file = root / BENCHMARK / "Server/config.yaml"
    file.write_text(re.sub(r"(random_seed: )\d+", r"\g<1>42", file.read_text()))


@FORGERIES.add("a Poisson load in Offline's folder", _CLIENT, "endpoints-settings")
def _(root: Path) -> None:
    shutil.copy(root / BENCHMARK / "Server/config.yaml", root / BENCHMARK / "Offline/config.yaml")


@FORGERIES.add("the client sent a part of the data", _CLIENT, "endpoints-settings")
def _(root: Path) -> None:
    rewrite(summary(root, "Offline"), lambda data: data.update(n_samples_issued=1000, n_samples_completed=1000))


@FORGERIES.add("the client was told a minute", _CLIENT, "too-short")
def _(root: Path) -> None:
    replace(root / BENCHMARK / "Offline/config.yaml", "600000", "60000")


@FORGERIES.add("more answers than the client asked for", _CLIENT, "schedule-rate")
def _(root: Path) -> None:
    replace(root / BENCHMARK / "Server/config.yaml", "target_qps: 20", "target_qps: 10")


@FORGERIES.add("the client's figures of eight cards for one A2", _CLIENT, "ceiling-throughput")
def _(root: Path) -> None:
    description = root / "closed/ORG/systems" / f"{SYSTEM}.json"
    rewrite(description, lambda data: data.update(accelerator_model_name="NVIDIA A2", accelerators_per_node=1))
    for key in ("qps", "tps"):
        multiply(summary(root, "Offline"), key, 4, digits=12)
