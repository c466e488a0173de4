"""Submissions to MLPerf Endpoints: ORG/ID/results/SYSTEM/MODEL/rN, with src and docs beside results.

Nothing here ever fails: what can't be read is said in its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from assay.audit.curves import Curve, EndpointsSubmission, Point
from assay.audit.facts import facts_named
from assay.audit.readers.endpoints import ACCURACY_RESULTS, POINT, RESULT_SUMMARY, SYSTEM_DESCRIPTION
from assay.audit.readers.place import DIVISIONS
from assay.audit.readers.tree_files import entries, folders, json_of, problem_of, yaml_of
from assay.audit.submitters import JsonFile
from assay.benchmarks.mlperf import ROUND
from assay.benchmarks.mlperf.endpoints import endpoints_rules

_POWER = "system_power.json"
_OWN_FILES = {POINT, SYSTEM_DESCRIPTION, _POWER}  # no tree of MLPerf Inference has them
_POINT_FOLDER = re.compile(r"r\d+")
_DEPTH = 2  # of a submission below the tree that is given: itself, an organisation's folder, or one that holds those


def read_endpoints_submissions(root: Path) -> list[EndpointsSubmission]:
    """Every submission to MLPerf Endpoints in the tree at `root`; none where it is another kind of tree."""
    return [_submission(folder, root) for folder in _submissions(root, _DEPTH)]


def _submissions(folder: Path, depth: int) -> Iterator[Path]:
    results = folder / "results"
    if results.is_dir() and folder.resolve().parent.name.lower() not in DIVISIONS:
        if _of_endpoints(results):
            yield folder
        return
    for below in folders(folder) if depth else ():
        yield from _submissions(below, depth - 1)


def _of_endpoints(results: Path) -> bool:
    for system in folders(results):
        models = list(folders(system))
        points = [point for model in models for point in folders(model)]
        names = {file.name for place in (system, *points) for file in entries(place)}
        if names & _OWN_FILES or any(_POINT_FOLDER.fullmatch(point.name) for point in points):
            return True
    return False


def _submission(folder: Path, root: Path) -> EndpointsSubmission:
    inside = folder.relative_to(root)
    below = "" if inside == Path() else f"{inside}/"
    files = {"docs": "" if (folder / "docs").is_dir() else "isn't there"}
    implementations = list(folders(folder / "src"))
    if not implementations:
        files["src"] = "holds no folder of an implementation"
    for implementation in implementations:
        readme = implementation / "README.md"
        files[f"src/{implementation.name}/{readme.name}"] = problem_of(readme)
    curves = []
    for system in folders(folder / "results"):
        power = json_of(system / _POWER, f"{below}results/{system.name}")
        models = list(folders(system))
        if not models:
            files[f"results/{system.name}"] = "holds no folder of a model"
        curves += [_curve(model, f"{below}results/{system.name}/{model.name}", power, folder) for model in models]
    return EndpointsSubmission(below.rstrip("/") or folder.resolve().name, str(folder), files, curves)


def _curve(folder: Path, name: str, power: JsonFile, submission: Path) -> Curve:
    rules = facts_named(folder.name, ROUND) if folder.name in endpoints_rules()["models"] else None
    found = sorted(folders(folder), key=lambda path: (len(path.name), path.name))
    points = [_point(path, f"{name}/{path.name}", submission) for path in found]
    return Curve(name, str(folder), folder.name, rules, power, points)


def _point(folder: Path, name: str, submission: Path) -> Point:
    config = yaml_of(folder / POINT, name)
    scores = json_of(folder / ACCURACY_RESULTS, name).data.get("accuracy_scores")
    shared = {
        key: _shared(submission, config.data[key]) for key in ("shared_src", "shared_docs") if config.data.get(key)
    }
    return Point(
        name=name,
        where=str(folder),
        config=config,
        system=json_of(folder / SYSTEM_DESCRIPTION, name),
        summary=json_of(folder / RESULT_SUMMARY, name),
        scored=isinstance(scores, list) and any(isinstance(entry, dict) and "score" in entry for entry in scores),
        shared=shared,
    )


def _shared(submission: Path, stated: object) -> str:
    if not isinstance(stated, str):
        return "isn't a path"
    try:
        found = (submission / stated).resolve()
        inside = found.is_relative_to(submission.resolve())
        return "" if inside and found.is_dir() else "no folder of this submission"
    except (OSError, ValueError, RuntimeError):  # what a path of null bytes, or of links to itself, gives
        return "can't be a path"
