"""`assay submit`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.commands.options import PATH, json_option, print_json, writing
from assay.errors import EXIT_FINDINGS, EXIT_OK, UserError
from assay.serving.words import harmless

if TYPE_CHECKING:
    from assay.submission import Submission


@click.command()
@click.argument("runs", metavar="RUN...", type=PATH, nargs=-1)
@click.option("--org", metavar="NAME", help="Who submits: the name of a folder in the tree.")
@click.option("--division", type=click.Choice(["closed", "open", "network"]), help="The division.")
@click.option("--round", "of_round", type=click.Choice(["v6.0", "v6.1"]), default="v6.1", show_default=True)
@click.option(
    "--into", type=PATH, default=Path("submission"), show_default=True, help="The tree; must not be there yet."
)
@click.option(
    "--system",
    "answers",
    metavar="[RUN=]FILE",
    multiple=True,
    help="Your answers to what can't be measured of the system; of several systems RUN=FILE for each of their runs or "
    "campaigns.  [default: system.yaml]",
)
@click.option(
    "--accuracy",
    "scored",
    metavar="RUN=FILE",
    multiple=True,
    help="Of an accuracy run that Assay can't score: what MLCommons' evaluation of its answers printed.",
)
@click.option("--rehearsal", is_flag=True, help="A tree for practice, of runs that can't be submitted; it says so.")
@click.option("--check", "tree", type=PATH, help="Judge this tree, whoever wrote it, instead of writing one.")
@click.option(
    "--official-checker",
    "checkout",
    type=PATH,
    metavar="DIR",
    help="With --check: run MLCommons' checker too, from this checkout of mlcommons/inference.",
)
@json_option
def submit(
    runs: tuple[Path, ...],
    org: str | None,
    division: str | None,
    of_round: str,
    into: Path,
    answers: tuple[str, ...],
    scored: tuple[str, ...],
    rehearsal: bool,
    tree: Path | None,
    checkout: Path | None,
    as_json: bool,
) -> None:
    """Write an MLPerf submission from official runs, or from campaigns of them; or check one.

    Runs that can't be submitted are refused with every reason; so is a tree that is there already. Exit code 3: the
    check has findings.
    """
    from assay.submission import Request, make_submission, originals_of, write_tree

    if tree is not None:
        if runs:
            raise UserError("submit: --check judges a tree that is there; name no runs with it")
        _check(tree, checkout, of_round, as_json)
        return
    if checkout is not None:
        raise UserError("submit: --official-checker goes with --check TREE")
    if not runs:
        raise UserError("submit: name the runs or campaigns to submit, or a tree with --check")
    if org is None or division is None:
        raise UserError("submit: --org and --division are needed, such as --org ACME --division open")
    request = Request(org, division, of_round, rehearsal)  # type: ignore[arg-type]  # click.Choice
    file, own = _by_system(answers)
    submission = make_submission(runs, request, file, _by_run(scored), own)
    with writing(into):
        write_tree(submission.tree, into)
    if as_json:
        print_json(_json(submission, into, originals_of(into)))
    else:
        click.echo(harmless(_text(submission, into, originals_of(into))))


def _by_system(answers: tuple[str, ...]) -> tuple[Path, dict[Path, Path]]:
    """The file for all runs but those with one of their own. Raises UserError where one is given twice."""
    from assay.submission import SYSTEM_YAML

    whole: list[Path] = []
    own: dict[Path, Path] = {}
    for words in answers:
        run, is_own, file = words.rpartition("=")
        if not file or (is_own and (not run or Path(run) in own)) or (not is_own and whole):
            raise UserError(f"submit: --system {words}: expected one FILE, or RUN=FILE, each run once")
        if is_own:
            own[Path(run)] = Path(file)
        else:
            whole.append(Path(file))
    return (whole or [SYSTEM_YAML])[0], own


def _by_run(scored: tuple[str, ...]) -> dict[str, Path]:
    """Each `RUN=FILE`. Raises UserError where one isn't, or names a run again."""
    found: dict[str, Path] = {}
    for words in scored:
        run, _, file = words.partition("=")
        if not run or not file or run in found:
            raise UserError(f"submit: --accuracy {words}: expected RUN=FILE, each run once")
        found[run] = Path(file)
    return found


def _check(tree: Path, checkout: Path | None, of_round: str, as_json: bool) -> None:
    from assay.submission import check_tree, checklist_json, checklist_text

    found = check_tree(tree, checkout, of_round)
    if as_json:
        print_json(checklist_json(found))
    else:
        click.echo(harmless(checklist_text(found, of_round)))
    sys.exit(EXIT_OK if found.clean else EXIT_FINDINGS)


def _text(submission: Submission, into: Path, originals: Path) -> str:
    several = len(submission.systems) > 1
    lines = [
        f"{f'{system.folder}, ' if several else ''}{entry.name}: {', '.join(entry.parts)}"
        for system in submission.systems
        for entry in system.entries
    ]
    if submission.passed_over:
        lines.append("REHEARSAL, not to be submitted:")
        for name, reasons in submission.passed_over.items():
            lines += [f"  {name}:", *(f"    {reason}" for reason in reasons)]
    lines.append(f"whole accuracy logs, to keep: {originals}")
    return "\n".join([*lines, f"next: assay submit --check {shlex.quote(str(into))}", str(into)])


def _json(submission: Submission, into: Path, originals: Path) -> dict[str, object]:
    return {
        "tree": into,
        "originals": originals,
        "results": [
            {
                "system": system.folder,
                "benchmark": entry.benchmark,
                "scenario": entry.scenario,
                "runs": {k: r.folder.id for k, r in entry.parts.items()},
            }
            for system in submission.systems
            for entry in system.entries
        ],
        "rehearsal": submission.passed_over,
        "files": sorted(map(str, submission.tree.files)),
    }
