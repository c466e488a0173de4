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
from assay.submission.runs import Entry, Problems, gather, joined, read_runs
from assay.submission.tree import Tree, make_tree

SYSTEM_YAML = Path("system.yaml")


@dataclass(frozen=True)
class Submission:
    """A tree that is ready to be written, the results in it, and what a rehearsal passed over."""

    tree: Tree
    entries: list[Entry]
    passed_over: Problems


def make_submission(
    paths: Sequence[Path], request: Request, answers: Path, accuracy: Mapping[str, Path] | None = None
) -> Submission:
    """Make the tree of the runs at `paths`; `answers` is the user's file of what can't be measured.

    `accuracy` names, by run, what another program made of the answers of accuracy runs that Assay can't score.

    Raises RefusedError with every reason where runs can't be submitted, and UserError where answers are missing.
    """
    runs, unread = read_runs(paths)
    runs = with_scores(runs, accuracy or {})
    entries, twice = gather(runs)
    blocked, unfit = joined(unread, twice, gaps(entries)), reasons(entries, request)
    if blocked or (unfit and not request.rehearsal):
        raise refused(joined(blocked, unfit))
    first = entries[0].parts["performance"]
    given = read_answers(answers) if answers.is_file() else {}
    values = filled(request.division, measured(first.record, first.system), given, str(answers))
    _check_answers(values, entries, request, answers)
    return Submission(make_tree(entries, values, request, unfit), entries, unfit)


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
