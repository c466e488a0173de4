"""A submission's tree: every file that it holds, and the writing of it all or none."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import orjson

from assay.analysis.compliance import judge_test
from assay.benchmarks.mlperf import llm_facts
from assay.benchmarks.mlperf.system_fields import fields_of
from assay.errors import UserError
from assay.plain_files import plain
from assay.runs.scenarios import Compliance
from assay.scoring import test06, test07, test09
from assay.submission.accuracy_log import cut, with_hash
from assay.submission.request import Request, folder_name
from assay.submission.runs import Entry, Problems, SubmittedRun
from assay.submission.texts import REHEARSAL_PAGE, marked, rehearsal_page, result_readme, source_readme, system_page

Files = dict[PurePosixPath, bytes]
_VERDICTS: dict[Compliance, str] = {
    "TEST06": test06.VERDICT_FILE,
    "TEST07": test07.VERDICT_FILE,
    "TEST09": test09.VERDICT_FILE,
}
"""By compliance test, the file in which it says whether it was passed."""
ORIGINALS = "-originals"
"""How the folder beside the tree ends that keeps accuracy logs whole: MLCommons may ask for them."""


@dataclass(frozen=True)
class Tree:
    """The files of a submission by their paths from its root, and those that are kept beside it."""

    files: Files
    originals: Files


@dataclass(frozen=True)
class SystemResults:
    """What is submitted of one system: its results, and every field of its description."""

    entries: Sequence[Entry]
    filled: Mapping[str, str]

    @property
    def folder(self) -> str:
        return folder_name(self.filled["system_name"])


def make_tree(systems: Sequence[SystemResults], request: Request, problems: Problems | None = None) -> Tree:
    """The tree of one submitter's systems. `problems` are what a rehearsal passes over."""
    submitter = PurePosixPath(request.division, request.organisation)
    tree = Tree({}, {})
    for system in systems:
        _add_system(system, submitter, request, tree)
    if request.division == "open":
        names = {_benchmark_folder(entry, request) for system in systems for entry in system.entries}
        tree.files[submitter / "model_mapping.json"] = _json({name: name for name in sorted(names)})
    if request.rehearsal:
        tree.files[PurePosixPath(REHEARSAL_PAGE)] = rehearsal_page(problems or {}).encode()
    return tree


def _add_system(results: SystemResults, submitter: PurePosixPath, request: Request, tree: Tree) -> None:
    system, filled = results.folder, results.filled
    tree.files[submitter / "systems" / f"{system}.json"] = _json(_description(filled, request))
    for entry in results.entries:
        configuration = f"{entry.benchmark}-{entry.scenario}.yaml"
        performance = entry.parts["performance"]
        tree.files[submitter / "src" / system / configuration] = _bytes(performance.folder.config)
        where = submitter / "results" / system / _benchmark_folder(entry, request) / entry.scenario
        tree.files[where / "README.md"] = result_readme(entry, request, configuration).encode()
        tree.files[where / "measurements.json"] = _json({f.name: filled[f.name] for f in fields_of("measurements")})
        tree.files[where / "user.conf"] = _bytes(performance.folder.path / "user.conf")
        tree.files.update(_logs(performance, where / "performance" / "run_1"))
        _accuracy(entry.parts["accuracy"], where / "accuracy", tree)
        for test in _VERDICTS:
            if test in entry.parts:
                _compliance(entry.parts[test], test, where / test, tree)
    first = results.entries[0].parts["performance"]
    tree.files[submitter / "src" / system / "README.md"] = source_readme(first, request, filled["source"]).encode()
    tree.files[submitter / "documentation" / f"{system}.md"] = system_page(filled, first, request).encode()


def _benchmark_folder(entry: Entry, request: Request) -> str:
    facts = llm_facts(entry.benchmark, request.round)
    return facts.folder if facts else entry.benchmark


def _description(filled: Mapping[str, str], request: Request) -> dict[str, str]:
    """`systems/SYSTEM.json`. All of it is text, as an empty number would count as no answer."""
    found = {"division": request.division, "submitter": request.organisation}
    found |= {field.name: filled[field.name] for field in fields_of("system")}
    if request.rehearsal:
        found["system_name"] = marked(request, found["system_name"])
        found["hw_notes"] = marked(request, found["hw_notes"] or "no part of it may be submitted")
    if request.division == "network":
        found["is_network"] = "true"
        found |= {field.name: filled[field.name] for field in fields_of("network")}
    return found


def _logs(run: SubmittedRun, where: PurePosixPath) -> Files:
    folder = run.folder
    return {where / path.name: _bytes(path) for path in (folder.loadgen_summary, folder.loadgen_detail)}


def _accuracy(run: SubmittedRun, where: PurePosixPath, tree: Tree) -> None:
    log = _bytes(run.folder.loadgen_accuracy)
    name = where / run.folder.loadgen_accuracy.name
    scores = run.folder.accuracy_txt
    text = run.outside.text if run.outside else _bytes(scores).decode()
    tree.files.update(_logs(run, where))
    tree.files[name] = cut(log)
    tree.files[where / scores.name] = with_hash(text, log).encode()
    tree.originals[name] = log


def _compliance(run: SubmittedRun, test: Compliance, where: PurePosixPath, tree: Tree) -> None:
    outside = run.outside
    verdict = judge_test(run.folder, run.record, run.benchmark, outside.scores if outside else None)
    printed = f"{outside.text}\n" if outside else ""
    tree.files[where / _VERDICTS[test]] = f"{printed}{verdict.text}".encode()
    tree.files.update(_logs(run, where / "performance" / "run_1"))
    log = _bytes(run.folder.loadgen_accuracy)
    name = where / "accuracy" / run.folder.loadgen_accuracy.name
    if test == "TEST06":  # of which MLCommons' tool leaves the log whole: it has a hundred answers
        tree.files[name] = log
        return
    tree.files[name], tree.originals[name] = cut(log), log
    tree.files[name.with_name(run.folder.accuracy_txt.name)] = with_hash("", log).lstrip().encode()


def _bytes(path: Path) -> bytes:
    try:
        return plain(path).read_bytes()
    except OSError as error:
        raise UserError(f"{path}: can't be read: {error.strerror or error}") from None


def _json(data: Mapping[str, str]) -> bytes:
    return orjson.dumps(data, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def originals_of(into: Path) -> Path:
    """The folder that keeps what the tree at `into` holds cut."""
    return into.absolute().with_name(into.absolute().name + ORIGINALS)


def write_tree(tree: Tree, into: Path) -> None:
    """Write the tree as `into`, and the whole accuracy logs beside it: both, or neither.

    Raises UserError where either is there already: nothing is ever written over.
    """
    into = into.absolute()
    beside = originals_of(into)
    for place in (into, beside):
        if os.path.lexists(place):
            raise UserError(f"{place}: is there already, and a submission is never written over; choose another --into")
    into.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{into.name}.", dir=into.parent) as scratch:
        placed: list[Path] = []
        try:
            for number, (files, place) in enumerate(((tree.originals, beside), (tree.files, into))):
                folder = Path(scratch) / str(number)
                _write_files(files, folder)
                folder.rename(place)
                placed.append(place)
        except BaseException:
            for place in placed:
                shutil.rmtree(place, ignore_errors=True)
            raise


def _write_files(files: Files, folder: Path) -> None:
    folder.mkdir()
    for path, data in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
