"""What must hold of a campaign whatever was done to it, looked up in its files alone.

Its answers are counted three times: by the workers' journals as they were when a process ended, by the table of
requests once the run is closed, and by what the simulated servers say that they sent in full.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from assay.load.attempts import read_attempts
from assay.load.journal import read_issued
from assay.runs import CampaignFolder, RunFolder, read_ledger, read_requests
from assay.runs.progress import ProgressReader

_TRACEBACK = "Traceback (most recent call last)"
_GIVEN_UP = ("stalled", "timeout")
_COLUMNS = ["sample_id", "attempt", "status", "final", "issued_ns"]
_JOURNALLED = ["sample_id", "attempt", "status"]

Answers = dict[str, set[tuple[int, int]]]
"""By run: (sample, attempt) of every answer."""


@dataclass(frozen=True)
class Sent:
    """A request that a server answered in full, with no fault of its own; ns of the machine's monotonic clock."""

    arrival_ns: int
    done_ns: int


def answers(folder: CampaignFolder) -> Answers:
    """Every answer on disk now: in the journals of runs that aren't closed, in the tables of those that are."""
    found: Answers = {}
    for run in _runs(folder):
        found[run.id] = {(row["sample_id"], row["attempt"]) for row in _rows(run) if row["status"] == "ok"}
    return found


def lost(before: Answers, after: Answers) -> list[str]:
    """The answers of `before` that aren't there any more."""
    gone = [(run, key) for run, keys in before.items() for key in sorted(keys - after.get(run, set()))]
    return [f"{run}: sample {sample}, attempt {attempt}" for run, (sample, attempt) in gone]


def unrecorded(run: RunFolder, sent: list[Sent], until_ns: float) -> list[str]:
    """Answers that servers sent in full during a run, before `until_ns`, and that no record accounts for.

    A request that the client gave up at the very moment may be one of those, so it accounts for one.
    """
    rows = _rows(run)
    begun_ns = min((row["issued_ns"] for row in rows if row["issued_ns"]), default=None)
    if begun_ns is None:
        return []
    last_ns = min(until_ns, _last_sign_ns(run))
    true = sum(begun_ns <= one.arrival_ns and one.done_ns <= last_ns for one in sent)
    known = sum(row["status"] == "ok" or row["status"] in _GIVEN_UP for row in rows)
    return [f"{run.id}: {true} answers were sent, {known} are recorded"] * max(0, true - known)


def unbalanced(folder: CampaignFolder) -> list[str]:
    """Closed runs whose ledger doesn't balance, by its own word or by a count of the table's rows."""
    problems = []
    for run in _runs(folder):
        if not run.ledger.exists() or run.parts.exists():
            continue
        ledger = read_ledger(run)
        final = Counter(row["status"] for row in _table(run) if row["final"])
        failed = final.total() - final["ok"] - final["lost"]
        told = (ledger.issued, ledger.completed, ledger.failed, ledger.lost)
        counted = (final.total(), final["ok"], failed, final["lost"])
        problems += [f"{run.id}: {problem}" for problem in ledger.problems]
        if told != counted:
            problems.append(f"{run.id}: the ledger says {told}, the table {counted}")
    return problems


def tracebacks(folder: Path) -> list[str]:
    """The logs below a folder that hold a traceback."""
    return [str(log) for log in sorted(folder.rglob("*.log")) if _TRACEBACK in log.read_text(errors="replace")]


def sent_in_full(folder: Path) -> tuple[list[Sent], int]:
    """What the servers' files of truth say: the requests answered in full, and how many a fault has hit."""
    sent, faults = [], 0
    for path in sorted(folder.glob("*.jsonl*")):
        for line in _lines(path):
            if line.get("fault"):
                faults += 1
            elif line.get("status") == "done":
                sent.append(Sent(line["arrival_ns"], line["done_ns"]))
    return sent, faults


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_bytes().splitlines(keepends=True):
        if line.endswith(b"\n"):  # the last may be cut off
            yield orjson.loads(line)


def _runs(folder: CampaignFolder) -> list[RunFolder]:
    return [RunFolder(path) for path in sorted(folder.runs.glob("*")) if path.is_dir()]


def _rows(run: RunFolder) -> list[dict[str, Any]]:
    return _journal(run) if run.parts.exists() else _table(run)


def _journal(run: RunFolder) -> list[dict[str, Any]]:
    paths = sorted(run.parts.glob("attempts-*.arrows"))
    rows = [row for path in paths for batch in read_attempts(path, _JOURNALLED) for row in batch.to_pylist()]
    issued = {sample: issued_ns for sample, _, issued_ns, _ in read_issued(run.issued).tolist()}
    return [row | {"issued_ns": issued.get(row["sample_id"])} for row in rows]


def _table(run: RunFolder) -> list[dict[str, Any]]:
    return read_requests(run.requests, _COLUMNS).to_pylist() if run.requests.exists() else []


def _last_sign_ns(run: RunFolder) -> float:
    """When the run's progress ended, ns; what servers send later is another run's."""
    events = ProgressReader(run.progress).poll()
    return max((event.time_ns for event in events if event.event != "done"), default=0)
