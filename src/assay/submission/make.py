"""From run folders to a submission's tree, or to every reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.benchmarks.mlperf import llm_facts
from assay.errors import UserError
from assay.submission.answers import Answers, filled, read_answers
from assay.submission.description import measured
from assay.submission.outside import with_scores
from assay.submission.refusals import gaps, reasons, refused
from assay.submission.request import Request, folder_name
from assay.submission.runs import Entry, Problems, SubmittedRun, gather, joined, read_runs
from assay.submission.tree import SystemResults, Tree, make_tree

SYSTEM_YAML = Path("system.yaml")


@dataclass(frozen=True)
class Submission:
    """A tree that is ready to be written, the systems in it, and what a rehearsal passed over."""

    tree: Tree
    systems: list[SystemResults]
    passed_over: Problems


def make_submission(
    paths: Sequence[Path],
    request: Request,
    answers: Path,
    accuracy: Mapping[str, Path] | None = None,
    own_answers: Mapping[Path, Path] | None = None,
) -> Submission:
    """Make the tree of the runs at `paths`; `answers` is the user's file of what can't be measured of their system.

    `own_answers` names, by path, the files of other systems; all runs with one file are of one system. `accuracy`
    names, by run, what another program made of the answers of accuracy runs that Assay can't score.

    Raises RefusedError with every reason where runs can't be submitted, and UserError where answers are missing.
    """
    by_file = _by_file(paths, answers, own_answers or {})
    read = {file: read_runs(own) for file, own in by_file.items()}
    _check_once(read)
    scored = iter(with_scores([run for runs, _ in read.values() for run in runs], accuracy or {}))
    gathered: dict[Path, list[Entry]] = {}
    blocked: Problems = {}
    unfit: Problems = {}
    for file, (runs, unread) in read.items():
        gathered[file], twice = gather([next(scored) for _ in runs])
        of_system = f" ({file})" if len(read) > 1 else ""
        stopped = joined(unread, twice, gaps(gathered[file]))
        blocked |= {f"{name}{of_system}": words for name, words in stopped.items()}
        unfit |= {f"{name}{of_system}": words for name, words in reasons(gathered[file], request).items()}
    if blocked or (unfit and not request.rehearsal):
        raise refused(joined(blocked, unfit))
    systems = {file: _described(entries, request, file) for file, entries in gathered.items()}
    _check_names(systems)
    return Submission(make_tree(list(systems.values()), request, unfit), list(systems.values()), unfit)


def _by_file(paths: Sequence[Path], answers: Path, own: Mapping[Path, Path]) -> dict[Path, list[Path]]:
    """The paths of each system, by the file of its answers. Raises UserError where a file is for no path."""
    of_path = {path.resolve(): file for path, file in own.items()}
    known = {path.resolve() for path in paths}
    for path, file in own.items():
        if path.resolve() not in known:
            raise UserError(f"--system {path}={file}: {path} is none of the runs and campaigns to submit")
    found: dict[Path, list[Path]] = {}
    for path in paths:
        found.setdefault(of_path.get(path.resolve(), answers), []).append(path)
    return found


def _check_once(read: Mapping[Path, tuple[Sequence[SubmittedRun], Problems]]) -> None:
    """Raises UserError where a run is named for two systems."""
    of_run: dict[Path, Path] = {}
    for file, (runs, _) in read.items():
        for run in runs:
            other = of_run.setdefault(run.folder.path.resolve(), file)
            if other != file:
                raise UserError(f"--system: {run.folder.path} is named for {other} and for {file}; it is of one system")


def _described(entries: Sequence[Entry], request: Request, answers: Path) -> SystemResults:
    first = entries[0].parts["performance"]
    given = read_answers(answers) if answers.is_file() else {}
    values = filled(request.division, measured(first.record, first.system), given, str(answers))
    _check_answers(values, entries, request, answers)
    return SystemResults(entries, values)


def _check_names(systems: Mapping[Path, SystemResults]) -> None:
    """Raises UserError where two systems would have one folder."""
    named: dict[str, Path] = {}
    for file, system in systems.items():
        other = named.setdefault(system.folder, file)
        if other != file:
            raise UserError(
                f"{other} and {file}: system_name makes the folder {system.folder} of both; give each its own"
            )


def _check_answers(values: Answers, entries: Sequence[Entry], request: Request, place: Path) -> None:
    """Raises UserError where an answer doesn't go with what is submitted."""
    if not folder_name(values["system_name"]):
        raise UserError(f"{place}: system_name becomes a folder's name and needs letters or digits")
    for entry in entries:
        facts = llm_facts(entry.benchmark, request.round)
        if facts is not None and facts.suite not in values["system_type"].split(","):
            raise UserError(
                f"{place}: system_type is {values['system_type']}, and {entry.benchmark} is for {facts.suite} systems"
            )
