"""After a controller that was killed: its runs in progress are closed from what they left, and planned again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime

from assay.analysis.names import titles_of
from assay.campaign.close import close_run, closed, held_load, judge_load, unclosed
from assay.campaign.work import Work
from assay.errors import UserError
from assay.load.closing import discard_journals
from assay.load.plan import read_plan
from assay.runs import (
    CampaignState,
    RunEntry,
    RunFolder,
    RunRecord,
    RunStatus,
    read_outcome,
    read_record,
    read_result,
    write_json,
)

_WITH_RESULT = (RunStatus.COMPLETED, RunStatus.INVALID)
_KILLED = "the process that carried out the campaign was killed"


def recover(work: Work, state: CampaignState, say: Callable[[str], None]) -> None:
    """Settle every entry that was begun and hasn't ended, or that couldn't be closed.

    A run whose load had gone to its end is completed from its journals, for nothing is missing from it but, perhaps,
    telemetry.
    Any other is closed as interrupted, kept under `earlier`, and to be done again. Doing this twice changes nothing.

    A result that can't be read is computed again. Raises UserError where what was measured can't be read.
    """
    titles = titles_of(state.runs)
    for entry in state.runs:
        if entry.run is None or entry.status is RunStatus.SKIPPED:
            continue
        title = titles[entry.key]
        folder = work.campaign.run(entry.run)
        if entry.status in _WITH_RESULT and not folder.path.exists():
            _reset(entry)
            say(f"{title}: {folder.path} is gone, will be run again")
            continue
        if entry.ended and not unclosed(folder):
            _mend_result(folder, title, say)
            continue
        record = _settle(work, folder, title, say)
        if record is not None and record.status is not RunStatus.INTERRUPTED:
            entry.status, entry.reason = record.status, record.reason
            say(f"{title}: its load had ended before the interruption; {record.status}")
            continue
        if record is not None:
            entry.earlier.append(folder.id)
        _reset(entry)
        say(f"{title}: was interrupted, will be run again")


def again(state: CampaignState, *, retry_failed: bool) -> None:
    """Plan again what was skipped and, if asked for, what failed; nodes that were left out get another chance."""
    state.left_out = {}
    for entry in state.runs:
        failed = entry.status in (RunStatus.FAILED, RunStatus.TIMEOUT)
        if failed and retry_failed and entry.run is not None:
            entry.earlier.append(entry.run)
        if entry.status is RunStatus.SKIPPED or (failed and retry_failed):
            _reset(entry)


def _reset(entry: RunEntry) -> None:
    entry.run, entry.status, entry.reason = None, None, ""


def _mend_result(folder: RunFolder, title: str, say: Callable[[str], None]) -> None:
    """The result follows from the run's other files; those must be whole. The manifest stays what it is: it says
    whether this is the result that it was closed with."""
    from assay.analysis.summary import summarise

    if not folder.record.exists():  # the run failed before it began
        return
    read_record(folder)
    try:
        read_result(folder)
    except UserError as error:
        say(f"{title}: {error}")
        write_json(folder.result, summarise(folder))
        say(f"{title}: {folder.result.name} was computed again from the run's records")


def _settle(work: Work, folder: RunFolder, title: str, say: Callable[[str], None]) -> RunRecord | None:
    """Close what isn't; None where no load was ever started, and then the folder goes."""
    if folder.record.exists() and closed(folder, read_record(folder)):  # its journals may be half gone
        _mend_result(folder, title, say)
        if folder.parts.exists():
            discard_journals(folder)
        return read_record(folder)
    if not held_load(folder):
        _remove(folder)
        return None
    record = read_record(folder)
    outcome = read_outcome(folder)
    if outcome.finished:
        judge_load(record, outcome)
    else:
        record.status, record.reason = RunStatus.INTERRUPTED, _KILLED
    sampled = folder.telemetry_journal.exists() or folder.telemetry.exists()
    record.closed = "after an interruption" + ("" if sampled else "; without telemetry")
    close_run(work, record, read_plan(folder.plan), folder, _last_sign(folder))
    return record


def _remove(folder: RunFolder) -> None:
    """Remove what was begun. Raises UserError where it holds anything that was measured."""
    if held := [path for path in (folder.requests, folder.ledger) if path.exists()]:
        raise UserError(f"{held[0]}: {folder.record.name} isn't beside it: restore it, or move the folder away")
    if not folder.path.is_symlink():
        shutil.rmtree(folder.path, ignore_errors=True)


def _last_sign(folder: RunFolder) -> str:
    """When the run last wrote something, UTC: nobody noted when it ended."""
    newest = max(path.stat().st_mtime for path in [folder.parts, *folder.parts.iterdir()])
    return datetime.fromtimestamp(newest, UTC).isoformat(timespec="milliseconds")
