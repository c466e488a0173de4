"""Closing a run, from its files alone: records, ledger, scores, status, result. Nothing that was measured is lost."""

from __future__ import annotations

import importlib.metadata
import time

from assay.campaign.kinds import kind_of
from assay.campaign.score import score_answers
from assay.campaign.servers import server_logs
from assay.campaign.work import Work, note_traceback, utc_now
from assay.cluster.local import tail_file
from assay.digits import number_text
from assay.load.closing import close_load, discard_journals
from assay.load.plan import UNLIMITED, LoadPlan
from assay.load.self_audit import audit_client
from assay.runs import (
    Ledger,
    LoadOutcome,
    RunFolder,
    RunRecord,
    RunStatus,
    read_campaign,
    read_outcome,
    write_json,
    write_run_manifest,
    write_telemetry,
)
from assay.runs.outcome import LoadEnd
from assay.runs.progress import DoneEvent, append_event
from assay.runs.record import REFUSED
from assay.serving.exits import lost_words

# How the reason of a load begins that didn't go to its end; what stands alone begins with nothing.
_ENDS: dict[LoadEnd, str] = {
    "finished": "",
    "error": "the load ended in an error: ",
    "stopped": "the load was stopped: ",
    "endpoints_gone": "",
    "killed": "",
}
_LOG_LINES = 8
_LOGS = 3


def judge_load(record: RunRecord, outcome: LoadOutcome) -> None:
    """Status from the load process' own words; LoadGen's verdict comes later."""
    failed, words = outcome.failed, _words(outcome)
    if outcome.finished and not outcome.completed and failed:
        record.status, record.reason = RunStatus.FAILED, f"no sample was answered; {words}"
    elif outcome.finished:
        record.status, record.reason = RunStatus.COMPLETED, f"{failed} samples failed; {words}" if failed else ""
    else:
        record.status, record.reason = RunStatus.FAILED, f"{_ENDS[outcome.status]}{outcome.reason}"


def _words(outcome: LoadOutcome) -> str:
    """What the endpoints said when they last failed."""
    return "last said: " + "; ".join(f"{name}: {words}" for name, words in outcome.failures.items())


def close_run(work: Work, record: RunRecord, plan: LoadPlan, folder: RunFolder, ended_utc: str | None = None) -> None:
    """Write all that follows from the load, then the manifest; the journals go only when all of that is on disk.

    A crash on the way leaves the journals, and closing again gives the same files: a run is closed once it has its
    manifest, and is never written again. An error fails the run and leaves the journals too, and its traceback in the
    driver's log; a disk that takes no more ends the campaign: raises OSError.
    """
    try:
        _close(work, record, plan, folder, ended_utc)
    except OSError:
        raise
    except Exception as error:  # whatever it is, the user gets one line, and nothing that was measured is lost
        folder.manifest.unlink(missing_ok=True)
        folder.result.unlink(missing_ok=True)
        note_traceback(folder.driver_log)
        record.status = RunStatus.FAILED
        record.reason = (
            f"{folder.path} couldn't be closed ({type(error).__name__}: {error}); traceback in {folder.driver_log}; "
            f"its journals are kept: `assay run --resume {work.campaign.path}` closes it again"
        )
        write_json(folder.record, record)
        _note_end(record, folder)


def _note_end(record: RunRecord, folder: RunFolder) -> None:
    now_ns = time.monotonic_ns()
    end = DoneEvent(time_ns=now_ns, clock_offset_ns=time.time_ns() - now_ns, status=record.status, reason=record.reason)
    append_event(folder.progress, end)


def closed(folder: RunFolder, record: RunRecord) -> bool:
    """Whether all of a run is written. Earlier versions wrote no manifest, and the result last."""
    return folder.manifest.exists() if record.has_manifest else folder.result.exists()


def unclosed(folder: RunFolder) -> bool:
    """Whether closing failed: the load's journals are there, and no result."""
    return held_load(folder) and not folder.result.exists()


def held_load(folder: RunFolder) -> bool:
    """Whether a load may have been started: its plan is written just before."""
    return folder.plan.exists() and folder.record.exists()


def _close(work: Work, record: RunRecord, plan: LoadPlan, folder: RunFolder, ended_utc: str | None) -> None:
    from assay.analysis.summary import summarise

    outcome = read_outcome(folder)
    ledger = close_load(folder, plan)
    if folder.telemetry_journal.exists():
        write_telemetry(folder.telemetry_journal, folder.telemetry)
    record.ended_utc = ended_utc or utc_now()
    _complete(record, outcome, ledger, folder)
    record.lost = {e.name: work.lost[e.name] for e in record.endpoints if e.name in work.lost}
    if record.status is RunStatus.COMPLETED:
        _judge(work, record, ledger, folder)
    elif record.lost:
        record.reason = f"{lost_words(record.lost)}; {record.reason}"  # the cause of what else went wrong
    if record.status is RunStatus.COMPLETED and plan.mode == "accuracy":
        score_answers(work.prepared, record, folder)
    if record.status in (RunStatus.FAILED, RunStatus.TIMEOUT):
        record.reason += _last_lines(work, ledger, folder)
    write_json(folder.record, record)
    write_json(folder.result, summarise(folder))
    if false := _audit(folder):
        # Such a run has no headline; what was measured stays in its files.
        record.status, record.reason = RunStatus.FAILED, f"{REFUSED} {false}; see audit.json"
        write_json(folder.record, record)
        write_json(folder.result, summarise(folder))
    _note_end(record, folder)
    write_run_manifest(folder, read_campaign(work.campaign).plan_sha256)
    discard_journals(folder)


def _audit(folder: RunFolder) -> str:
    """Write `audit.json`; names what is contradicted or impossible in the run's own figures."""
    from assay.audit import Judgement, audit_path

    report = audit_path(folder.path)
    write_json(folder.audit, report)
    worst = (Judgement.CONTRADICTED, Judgement.IMPOSSIBLE)
    return "; ".join(f"{f.rule} {f.verdict}: {f.arithmetic}" for f in report.problems if f.verdict in worst)


def _complete(record: RunRecord, outcome: LoadOutcome, ledger: Ledger, folder: RunFolder) -> None:
    record.issued = ledger.issued
    if record.driver == "loadgen":
        record.loadgen_version = importlib.metadata.version("mlcommons-loadgen")
    if outcome.warmup is not None:
        known = {"ready_ns": record.warmup.ready_ns, "queued_ns": record.warmup.queued_ns}
        record.warmup = outcome.warmup.model_copy(update=known)
    for endpoint in record.endpoints:
        window = outcome.windows.get(endpoint.name, endpoint.window)
        endpoint.window = window if window is not None and window < UNLIMITED else None
    record.schedule_seed = outcome.schedule_seed if record.driver == "pacer" else None
    record.sure = outcome.sure
    record.client = audit_client(folder, outcome)


def _judge(work: Work, record: RunRecord, ledger: Ledger, folder: RunFolder) -> None:
    """What a load that went to its end can still fail by."""
    if ledger.problems:
        record.status, record.reason = RunStatus.FAILED, "the ledger doesn't balance: " + "; ".join(ledger.problems)
    elif kind_of(work.config.campaign.kind).leaves_nodes_out and (what := _left(record, ledger, folder)):
        # Its rate would be that of other nodes than those it stands for.
        record.status, record.reason = RunStatus.FAILED, f"{what}; not all endpoints took part to the end"
    elif record.official and record.mode == "performance" and record.compliance is None:
        _loadgens_word(record, folder)


def _left(record: RunRecord, ledger: Ledger, folder: RunFolder) -> str:
    """Which endpoints didn't take part to the end; empty where all did. That a server of others ended is told by the
    samples alone: Assay doesn't see its process."""
    from assay.analysis.stopped import stopped_s
    from assay.analysis.summary import run_samples

    if record.lost:
        return lost_words(record.lost)
    if idle := [endpoint.endpoint for endpoint in ledger.endpoints if not endpoint.ok]:
        return f"no answer came from {', '.join(idle)}"
    samples = run_samples(folder, record)
    stopped = stopped_s(samples, ledger) if samples is not None else {}
    return "; ".join(f"{name} stopped answering after {number_text(after_s, 3)} s" for name, after_s in stopped.items())


def _loadgens_word(record: RunRecord, folder: RunFolder) -> None:
    from assay.analysis.verdict import read_loadgen

    verdict, _ = read_loadgen(folder)
    if verdict.result == "INVALID":
        record.status, record.reason = RunStatus.INVALID, "LoadGen: INVALID; " + "; ".join(verdict.reasons)


def _last_lines(work: Work, ledger: Ledger, folder: RunFolder) -> str:
    """The ends of the logs that may say why: the load process', and those of servers that left answers owing."""
    suspects = [endpoint.endpoint for endpoint in ledger.endpoints if endpoint.failed or endpoint.lost]
    suspects = list(dict.fromkeys([*work.lost, *suspects]))
    logs = {"driver.log": tail_file(folder.driver_log, _LOG_LINES).strip()}
    logs |= {f"server {name}": text for name, text in server_logs(work.campaign, suspects, _LOG_LINES).items()}
    parts = [f"\nlast lines of {name}:\n  " + text.replace("\n", "\n  ") for name, text in logs.items() if text]
    return "".join(parts[: _LOGS + 1])
