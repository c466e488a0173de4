"""Scores that another program made of a run's answers, as its `accuracy.txt`: taken as they are, and called so.

Nothing here can make them again. What can be held against the run's own accuracy log is: how many answers were scored,
how long they are in the mean, and the log's hash where the file names one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from assay.errors import AssayError, UserError
from assay.plain_files import plain
from assay.scoring import Scores, quality_gate, read_accuracy_log, read_accuracy_txt
from assay.submission.runs import OutsideScores, SubmittedRun

_HASH = re.compile(r"^hash=(\w+)$", re.MULTILINE)
_LENGTH = "tokens_per_sample"
_ROUNDED = 0.051
"""MLCommons' programs print lengths with one decimal or more."""


def with_scores(runs: Sequence[SubmittedRun], given: Mapping[str, Path]) -> list[SubmittedRun]:
    """The runs, those that `given` names with the scores of its files: by their ids, or by their folders.

    Raises UserError where a file can't be read, lacks a score that the benchmark asks for, or belongs to no such run.
    """
    files: dict[Path, Path] = {}
    for name, file in sorted(given.items()):
        folder = _named(name, file, runs).folder.path
        if files.setdefault(folder, file) != file:
            raise UserError(f"--accuracy {name}={file}: the scores of {folder.name} are in {files[folder]} already")
    return [
        replace(run, outside=_read(run, files[run.folder.path])) if run.folder.path in files else run for run in runs
    ]  # fmt: skip


def _named(name: str, file: Path, runs: Sequence[SubmittedRun]) -> SubmittedRun:
    scored = [run for run in runs if run.to_be_scored]
    found = [run for run in scored if name == run.folder.id or Path(name).resolve() == run.folder.path.resolve()]
    if len(found) == 1:
        return found[0]
    if found:
        folders = " or ".join(str(run.folder.path) for run in found)
        raise UserError(
            f"--accuracy {name}={file}: {len(found)} accuracy runs are called so; name its folder, {folders}"
        )
    raise UserError(f"--accuracy {name}={file}: there is no accuracy run {name} among those to submit")


def _read(run: SubmittedRun, path: Path) -> OutsideScores:
    benchmark = run.benchmark
    if not benchmark.scored_with:
        raise UserError(f"--accuracy {run.folder.id}={path}: Assay itself scores {benchmark.name}; leave it out")
    try:
        data = plain(path).read_bytes()
    except OSError as error:
        raise UserError(f"--accuracy {run.folder.id}={path}: can't be read: {error.strerror or error}") from None
    text = data.decode(errors="replace")
    scores, samples = read_accuracy_txt(text)
    wanted = benchmark.quality.targets if benchmark.quality else {}
    if missing := [metric for metric in wanted if metric not in scores]:
        raise UserError(
            f"{path}: has no {' and no '.join(missing)}; give what {benchmark.scored_with} prints, as it prints it"
        )
    try:
        answers = read_accuracy_log(run.folder.loadgen_accuracy)
        log = hashlib.sha256(plain(run.folder.loadgen_accuracy).read_bytes()).hexdigest()
    except (AssayError, OSError) as error:
        raise UserError(f"{run.folder.id}: {error}") from None
    mean = sum(len(answer.token_ids) for answer in answers) / len(answers)
    counted = len(answers) if samples is None else samples
    return OutsideScores(
        text=_HASH.sub("", text).rstrip() + "\n",
        sha256=hashlib.sha256(data).hexdigest(),
        scores=scores,
        gate=quality_gate(benchmark, Scores(benchmark.scored_with, scores, counted, {})).verdict,
        problems=tuple(_problems(path, text, log, scores, counted, len(answers), mean)),
    )


def _problems(
    path: Path, text: str, log: str, scores: Mapping[str, float], samples: int, answers: int, mean: float
) -> Iterator[str]:
    """What shows that a file is of another log."""
    for named in _HASH.findall(text):
        if named != log:
            yield f"{path} names the log {named[:12]}, and the run's is {log[:12]}"
    if samples != answers:
        yield f"{path} is of {samples} answers, and the run's log has {answers}"
    if (length := scores.get(_LENGTH)) is not None and abs(length - mean) > _ROUNDED:
        yield f"{path} has {length:g} tokens a sample, and the answers of the run's log {mean:.4f}"
