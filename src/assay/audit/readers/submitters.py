"""The files of a submission's tree that the checkers ask for, submitter by submitter. Nothing here ever fails."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.audit.facts import facts_named
from assay.audit.readers.endpoints import ACCURACY_RESULTS, RESULT_SUMMARY
from assay.audit.readers.loadgen import DETAIL, SUMMARY
from assay.audit.readers.place import DIVISIONS
from assay.audit.readers.tree_files import bytes_of, entries, folders, json_of, problem_of
from assay.audit.submitters import AccuracyFiles, ResultFolder, Submitter
from assay.benchmarks import benchmark_names, get_benchmark
from assay.benchmarks.mlperf import LlmFacts
from assay.errors import AssayError
from assay.scoring import CUT_MARK, test06

_OF_RESULTS = ("README.md", "measurements.json")
_OF_LOADGEN = (
    "user.conf",
    f"performance/run_1/{DETAIL}",
    f"performance/run_1/{SUMMARY}",
    f"accuracy/{DETAIL}",
    "accuracy/accuracy.txt",
    "accuracy/mlperf_log_accuracy.json",
)
_OF_THE_CLIENT = ("config.yaml", f"performance/{RESULT_SUMMARY}", f"accuracy/{ACCURACY_RESULTS}")
_TEST06 = "TEST06/accuracy/mlperf_log_accuracy.json"
_HASH = re.compile(r"^hash=(.*)$", re.MULTILINE)


def read_submitters(root: Path, of_round: str) -> list[Submitter]:
    """Every submitter's folder in the tree at `root`, under a round's rules."""
    return [
        _submitter(folder, division, of_round) for division in sorted(DIVISIONS) for folder in folders(root / division)
    ]


def _submitter(folder: Path, division: str, of_round: str) -> Submitter:
    name = f"{division}/{folder.name}"
    mapping = json_of(folder / "model_mapping.json", name) if division == "open" else None
    models = mapping.data if mapping is not None else {}
    results = tuple(
        _result(scenario, f"{name}/{system.name}/{benchmark.name}/{scenario.name}", models, division, of_round)
        for system in folders(folder / "results")
        for benchmark in folders(system)
        for scenario in folders(benchmark)
    )
    described = {path.stem for path in entries(folder / "systems") if path.suffix == ".json"}
    names = sorted(described | {system.name for system in folders(folder / "results")})
    systems = {system: json_of(folder / "systems" / f"{system}.json", f"{name}/systems") for system in names}
    source = folder / "src"
    files = {"src": "" if any(path.is_file() for path in source.rglob("*")) else "there is none, or no file in it"}
    return Submitter(name, str(folder), division, folder.name, files, systems, mapping, results)


def _result(folder: Path, name: str, models: Mapping[str, Any], division: str, of_round: str) -> ResultFolder:
    system, benchmark, scenario = name.split("/")[2:]
    rules = facts_named(str(models.get(benchmark, benchmark)), of_round, scenario)
    by_loadgen = not (folder / "performance" / RESULT_SUMMARY).exists()
    wanted = (*_OF_RESULTS, *(_OF_LOADGEN if by_loadgen else _OF_THE_CLIENT))
    if division != "open" and by_loadgen and rules is not None and "TEST06" in rules.compliance:
        wanted = (*wanted, _TEST06)
    return ResultFolder(
        name=name,
        where=str(folder),
        system=system,
        benchmark=benchmark,
        scenario=scenario,
        rules=rules,
        by_loadgen=by_loadgen,
        files={file: problem_of(folder / file) for file in wanted},
        measurements=json_of(folder / "measurements.json", name),
        accuracy=_accuracy(folder / "accuracy") if by_loadgen else None,
        test06=_test06(folder / _TEST06, rules, scenario),
    )


def _accuracy(folder: Path) -> AccuracyFiles:
    log = bytes_of(folder / "mlperf_log_accuracy.json")
    scores = bytes_of(folder / "accuracy.txt") or b""
    stated = _HASH.findall(scores.decode(errors="replace"))
    return AccuracyFiles(
        log_bytes=None if log is None else len(log),
        digest=hashlib.sha256(log or b"").hexdigest(),
        cut=CUT_MARK in (log or b""),
        stated=stated[-1].strip() if stated else None,
    )


def _test06(log: Path, rules: LlmFacts | None, scenario: str) -> tuple[str, ...] | None:
    """The checks that the answers in TEST06's own log fail, with the benchmark's own tokens."""
    if rules is None or rules.name not in benchmark_names() or bytes_of(log) is None:
        return None
    try:
        answers = test06.read_logged_answers(log)
    except (AssayError, RecursionError, OverflowError) as error:
        return (f"the answers can't be read: {error}",)
    found = test06.verify_test06(answers, scenario, get_benchmark(rules.name).stop_token_ids)
    return tuple(found.failed_checks)
