"""The files of a submission's tree that the checkers ask for, submitter by submitter. Nothing here ever fails."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from assay.audit.facts import facts_named
from assay.audit.readers.endpoints import ACCURACY_RESULTS, RESULT_SUMMARY
from assay.audit.readers.loadgen import DETAIL, SUMMARY
from assay.audit.readers.place import DIVISIONS
from assay.audit.submitters import AccuracyFiles, JsonFile, ResultFolder, Submitter
from assay.benchmarks import benchmark_names, get_benchmark
from assay.benchmarks.mlperf import LlmFacts
from assay.errors import AssayError
from assay.plain_files import plain
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
_MOST_BYTES = 64 << 20  # of a file that is read whole: a submission's own are a few KiB


def read_submitters(root: Path, of_round: str) -> list[Submitter]:
    """Every submitter's folder in the tree at `root`, under a round's rules."""
    return [
        _submitter(folder, division, of_round) for division in sorted(DIVISIONS) for folder in _folders(root / division)
    ]


def _submitter(folder: Path, division: str, of_round: str) -> Submitter:
    name = f"{division}/{folder.name}"
    mapping = _object(folder / "model_mapping.json", name) if division == "open" else None
    models = mapping.data if mapping is not None else {}
    results = tuple(
        _result(scenario, f"{name}/{system.name}/{benchmark.name}/{scenario.name}", models, division, of_round)
        for system in _folders(folder / "results")
        for benchmark in _folders(system)
        for scenario in _folders(benchmark)
    )
    described = {path.stem for path in _entries(folder / "systems") if path.suffix == ".json"}
    names = sorted(described | {system.name for system in _folders(folder / "results")})
    systems = {system: _object(folder / "systems" / f"{system}.json", f"{name}/systems") for system in names}
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
        files={file: _problem(folder / file) for file in wanted},
        measurements=_object(folder / "measurements.json", name),
        accuracy=_accuracy(folder / "accuracy") if by_loadgen else None,
        test06=_test06(folder / _TEST06, rules, scenario),
    )


def _problem(path: Path) -> str:
    """Why a file isn't one that says anything; empty where it is."""
    try:
        return "" if plain(path).stat().st_size else "is empty"
    except FileNotFoundError:
        return "isn't there"
    except OSError as error:
        return f"can't be read: {error.strerror or error}"


def _bytes(path: Path) -> bytes | None:
    try:
        return plain(path).read_bytes() if path.stat().st_size <= _MOST_BYTES else None
    except OSError:
        return None


def _object(path: Path, beside: str) -> JsonFile:
    name = f"{beside}/{path.name}"
    content = _bytes(path)
    if content is None:
        return JsonFile(name, str(path), problem=_problem(path) or f"has more than {_MOST_BYTES >> 20} MiB")
    try:
        data = json.loads(content.decode("utf-8-sig"))  # some begin with its mark
    except (ValueError, RecursionError) as error:
        return JsonFile(name, str(path), problem=f"isn't JSON: {error}")
    if not isinstance(data, dict):
        return JsonFile(name, str(path), problem="holds no object")
    return JsonFile(name, str(path), data)


def _accuracy(folder: Path) -> AccuracyFiles:
    log = _bytes(folder / "mlperf_log_accuracy.json")
    scores = _bytes(folder / "accuracy.txt") or b""
    stated = _HASH.findall(scores.decode(errors="replace"))
    return AccuracyFiles(
        log_bytes=None if log is None else len(log),
        digest=hashlib.sha256(log or b"").hexdigest(),
        cut=CUT_MARK in (log or b""),
        stated=stated[-1].strip() if stated else None,
    )


def _test06(log: Path, rules: LlmFacts | None, scenario: str) -> tuple[str, ...] | None:
    """The checks that the answers in TEST06's own log fail, with the benchmark's own tokens."""
    if rules is None or rules.name not in benchmark_names() or _bytes(log) is None:
        return None
    try:
        answers = test06.read_logged_answers(log)
    except (AssayError, RecursionError, OverflowError) as error:
        return (f"the answers can't be read: {error}",)
    found = test06.verify_test06(answers, scenario, get_benchmark(rules.name).stop_token_ids)
    return tuple(found.failed_checks)


def _entries(folder: Path) -> Iterator[Path]:
    try:
        yield from sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError:
        return


def _folders(folder: Path) -> Iterator[Path]:
    return (path for path in _entries(folder) if path.is_dir())
