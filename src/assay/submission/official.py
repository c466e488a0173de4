"""MLCommons' own checker, run from the user's checkout on a copy of the tree, and what it says of each result.

It may write into the tree that it reads and stops at some damage with a traceback, so it gets a copy and a process of
its own. Nothing of it is part of Assay: only the lines that it prints are read.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from assay.errors import AssayError, UserError

TOOLS = Path("tools", "submission")
_MODULE = "submission_checker"
_LIMIT_S = 1800.0
_LINE = re.compile(r"\[[^\]]*:\d+ (?P<level>[A-Z]+)\] (?P<words>.*)")
_BEGINS = re.compile(r"Starting .* for: (?P<path>.+)")
_ACCEPTED = re.compile(r"Results (?P<path>/.+) (?P<metric>\S+)$")
_REFUSED = re.compile(r"NoResults (?P<path>/.+)$")
_SUMMARY = re.compile(r"SUMMARY: submission (?P<words>.+)")
_REPEATED = re.compile(r"Some .* Checks failed for: |Execution of check \S+ skipped for ")
_RESULT_PARTS = 6  # DIVISION/ORG/results/SYSTEM/BENCHMARK/SCENARIO


@dataclass
class OfficialResult:
    """What it says of one result. `metric` is the figure that it accepts; None: it refuses the result."""

    metric: str | None = None
    reasons: list[str] = field(default_factory=list)


@dataclass
class OfficialVerdict:
    """What it says of a tree: by result, as DIVISION/ORG/SYSTEM/BENCHMARK/SCENARIO, and of the whole."""

    accepted: bool = False
    results: dict[str, OfficialResult] = field(default_factory=dict)
    whole: list[str] = field(default_factory=list)
    """Reasons that are of no result."""


def checker_folder(checkout: Path) -> Path:
    """Where the checker lies in a checkout of mlcommons/inference, or in that folder itself. Raises UserError."""
    for folder in (checkout / TOOLS, checkout):
        if (folder / _MODULE / "main.py").is_file():
            return folder.resolve()
    raise UserError(
        f"--official-checker {checkout}: has no {TOOLS / _MODULE}; give a checkout of github.com/mlcommons/inference"
    )


def run_official(tree: Path, checkout: Path, of_round: str) -> OfficialVerdict:
    """Let the checker judge a copy of `tree`. Raises UserError where there is no checker, AssayError where it hangs."""
    folder = checker_folder(checkout)
    with tempfile.TemporaryDirectory(prefix="assay-check-") as scratch:
        copy = Path(scratch).resolve() / "tree"
        try:
            shutil.copytree(tree, copy)
        except OSError as error:
            raise UserError(f"{tree}: can't be copied for the checker: {error}") from None
        command = [sys.executable, "-m", f"{_MODULE}.main", "--input", str(copy), "--version", of_round]
        command += ["--csv", str(Path(scratch) / "summary.csv")]
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            done = subprocess.run(
                command, cwd=folder, env=environment, capture_output=True, text=True, errors="replace", check=False,
                timeout=_LIMIT_S,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise AssayError(f"{folder}: the checker didn't end within {_LIMIT_S:g} s") from None
        return read_output(done.stdout + done.stderr, copy, ended_well=done.returncode == 0)


def read_output(text: str, root: Path, *, ended_well: bool) -> OfficialVerdict:
    """What the checker printed of the tree at `root`, whose path is left out of its words."""
    verdict = OfficialVerdict()
    now = ""
    summary = None
    for line in text.splitlines():
        found = _LINE.match(line)
        if found is None:
            continue
        words = found["words"].replace(f"{root}/", "")
        if begins := _BEGINS.match(found["words"]):
            now = _result_at(begins["path"], root) or now
        elif accepted := _ACCEPTED.match(found["words"]):
            _of(verdict, _result_at(accepted["path"], root)).metric = accepted["metric"]
        elif refused := _REFUSED.match(found["words"]):
            _of(verdict, _result_at(refused["path"], root))
        elif ended := _SUMMARY.match(words):
            summary = ended["words"]
        elif found["level"] in ("ERROR", "WARNING") and not _REPEATED.match(words):
            reasons, reason = _of(verdict, now).reasons if now else verdict.whole, _short(words, now)
            reasons += [reason] if reason not in reasons else []
    if summary is None:
        last = next((line for line in reversed(text.splitlines()) if line.strip()), "no word")
        verdict.whole.append(f"it stopped before its end: {last.replace(f'{root}/', '')}")
    verdict.accepted = ended_well and summary == "looks OK"
    return verdict


def _of(verdict: OfficialVerdict, result: str) -> OfficialResult:
    return verdict.results.setdefault(result, OfficialResult())


def _result_at(path: str, root: Path) -> str:
    """The result that a path below the tree is of; empty where it is of none."""
    try:
        parts = Path(path).relative_to(root).parts[:_RESULT_PARTS]
    except ValueError:
        return ""
    return "/".join(parts[:2] + parts[3:]) if len(parts) == _RESULT_PARTS else ""


def _short(words: str, result: str) -> str:
    """Without the result's own path, under which the words are shown."""
    division, _, rest = result.partition("/")
    organisation, _, rest = rest.partition("/")
    return words.replace(f"{division}/{organisation}/results/{rest}/", "") if result else words
