"""Closing a run, from its files alone: records, ledger, scores, status, result. Nothing that was measured is lost."""

from __future__ import annotations

import importlib.metadata
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from assay.campaign.prepare import Prepared
from assay.campaign.servers import server_logs
from assay.cluster.local import tail_file
from assay.config import Config
from assay.errors import AssayError
from assay.load.closing import close_load, discard_journals, read_outcome
from assay.load.plan import LoadPlan
from assay.load.self_audit import audit_client
from assay.runs import (
    CampaignFolder,
    Ledger,
    RunFolder,
    RunRecord,
    RunStatus,
    WarmupFacts,
    write_bytes,
    write_json,
    write_text,
)

if TYPE_CHECKING:
    from assay.scoring import RougeScores

_LOG_LINES = 8
_LOGS = 3


@dataclass(frozen=True)
class Work:
    """What all runs of a campaign share, wherever its servers are."""

    config: Config
    prepared: Prepared
    campaign: CampaignFolder
    lost: dict[str, str] = field(default_factory=dict)
    """Endpoints whose server ended by itself since it was last started: why."""


def utc_now() -> str:
    """UTC to the millisecond, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def judge_load(record: RunRecord, outcome: Mapping[str, Any]) -> None:
    """Status from the load process' own words; LoadGen's verdict comes later."""
    if outcome["status"] == "finished":
        record.status, record.reason = RunStatus.COMPLETED, ""
    else:
        record.status, record.reason = RunStatus.FAILED, f"{outcome['status']}: {outcome['reason']}"


def close_run(work: Work, record: RunRecord, plan: LoadPlan, folder: RunFolder, ended_utc: str | None = None) -> None:
    """Write all that follows from the load. The journals go only when everything else is on disk.

    A crash on the way leaves the journals, and closing again gives the same files. So does an error, which fails the
    run and leaves its traceback in the driver's log; a disk that takes no more ends the campaign: raises OSError.
    """
    try:
        _close(work, record, plan, folder, ended_utc)
    except OSError:
        raise
    except Exception as error:  # whatever it is, the user gets one line, and nothing that was measured is lost
        note_traceback(folder.driver_log)
        folder.result.unlink(missing_ok=True)
        record.status = RunStatus.FAILED
        record.reason = (
            f"{folder.path} couldn't be closed ({type(error).__name__}: {error}); traceback in {folder.driver_log}; "
            f"its journals are kept: `assay run --resume {work.campaign.path}` closes it again"
        )
        write_json(folder.record, record)


def unclosed(folder: RunFolder) -> bool:
    """Whether closing failed: the load's journals are there, and no result."""
    return held_load(folder) and not folder.result.exists()


def held_load(folder: RunFolder) -> bool:
    """Whether a load may have been started: its plan is written just before."""
    return (folder.parts / "plan.json").exists() and folder.record.exists()


def note_traceback(log: Path) -> None:
    """Append the traceback of the error that is being handled."""
    with log.open("a", encoding="utf-8") as file:
        file.write(traceback.format_exc())


def _close(work: Work, record: RunRecord, plan: LoadPlan, folder: RunFolder, ended_utc: str | None) -> None:
    from assay.analysis.summary import summarise

    outcome = read_outcome(folder)
    ledger = close_load(folder, plan)
    record.ended_utc = ended_utc or utc_now()
    _complete(record, outcome, ledger, folder)
    if lost := [f"{e.name} ({work.lost[e.name]})" for e in record.endpoints if e.name in work.lost]:
        record.tags["lost"] = ", ".join(lost)
    if record.status is RunStatus.COMPLETED:
        _judge(work, record, ledger, folder)
    elif lost:
        record.reason += f"; lost: {record.tags['lost']}"
    if record.status is RunStatus.COMPLETED and plan.mode == "accuracy":
        _score(work.prepared, record, folder)
    if record.status in (RunStatus.FAILED, RunStatus.TIMEOUT):
        record.reason += _last_lines(work, ledger, folder)
    write_json(folder.record, record)
    write_json(folder.result, summarise(folder, work.prepared.benchmark))
    if false := _audit(folder):
        # Such a run has no headline; what was measured stays in its files.
        record.status, record.reason = RunStatus.FAILED, f"the audit found {false}; see audit.json"
        write_json(folder.record, record)
        write_json(folder.result, summarise(folder, work.prepared.benchmark))
    discard_journals(folder)


def _audit(folder: RunFolder) -> str:
    """Write `audit.json`; names what is contradicted or impossible in the run's own figures."""
    from assay.audit import Judgement, audit_path

    report = audit_path(folder.path)
    write_json(folder.audit, report)
    worst = (Judgement.CONTRADICTED, Judgement.IMPOSSIBLE)
    return "; ".join(f"{f.rule} {f.verdict}: {f.arithmetic}" for f in report.problems if f.verdict in worst)


def _complete(record: RunRecord, outcome: dict[str, Any], ledger: Ledger, folder: RunFolder) -> None:
    record.issued = ledger.issued
    record.loadgen_version = importlib.metadata.version("mlcommons-loadgen")
    if facts := outcome.get("warmup"):
        known = {"ready_ns": record.warmup.ready_ns, "queued_ns": record.warmup.queued_ns}
        record.warmup = WarmupFacts.model_validate({**facts, **known})
    for endpoint, window in zip(record.endpoints, outcome.get("windows", []), strict=False):
        endpoint.window = window
    record.client = audit_client(folder, outcome)


def _judge(work: Work, record: RunRecord, ledger: Ledger, folder: RunFolder) -> None:
    """What a load that went to its end can still fail by."""
    lost = record.tags.get("lost")
    idle = [endpoint.endpoint for endpoint in ledger.endpoints if not endpoint.ok]
    if ledger.problems:
        record.status, record.reason = RunStatus.FAILED, "the ledger doesn't balance: " + "; ".join(ledger.problems)
    elif work.config.campaign.kind == "scaling" and (lost or idle):
        # Its rate would be that of other nodes than those it stands for.
        what = f"lost: {lost}" if lost else f"answered nothing: {', '.join(idle)}"
        record.status, record.reason = RunStatus.FAILED, f"not all endpoints took part to the end; {what}"
    elif record.official and record.mode == "performance" and "compliance" not in record.tags:
        _loadgens_word(record, folder)


def _loadgens_word(record: RunRecord, folder: RunFolder) -> None:
    from assay.analysis.verdict import read_loadgen

    verdict, _ = read_loadgen(folder)
    if verdict.result == "INVALID":
        record.status, record.reason = RunStatus.INVALID, "LoadGen: INVALID; " + "; ".join(verdict.reasons)


def _score(prepared: Prepared, record: RunRecord, folder: RunFolder) -> None:
    from assay.scoring import accuracy_txt, quality_gate, score_accuracy_log

    references = prepared.dataset.references
    if references is None:
        return  # accuracy isn't measured
    try:
        scores = score_accuracy_log(folder.loadgen_accuracy, references, prepared.decode)
    except AssayError as error:
        record.status, record.reason = RunStatus.FAILED, f"accuracy couldn't be scored: {error}"
        return
    gate = quality_gate(prepared.benchmark, scores)
    write_text(folder.accuracy_txt, accuracy_txt(scores))
    write_bytes(folder.answers, _answers(prepared, folder, scores, references))
    facts = {**scores.values(), "gen_len": scores.gen_len, "gen_num": scores.gen_num}
    write_json(folder.accuracy, {**facts, "gate": gate.verdict, "details": list(gate.details)})


def _answers(prepared: Prepared, folder: RunFolder, scores: RougeScores, references: list[str]) -> bytes:
    """A line a sample, so that a person can read what was scored."""
    from assay.scoring import read_accuracy_log

    lines = []
    for number, answer in enumerate(read_accuracy_log(folder.loadgen_accuracy)):
        own = {metric: round(100 * float(values[number]), 4) for metric, values in scores.per_sample.items()}
        text = prepared.decode(answer.token_ids.tolist())
        reference = references[answer.qsl_idx]
        lines.append(orjson.dumps({"qsl_idx": answer.qsl_idx, "answer": text, "reference": reference, **own}))
    return b"\n".join(lines) + b"\n"


def _last_lines(work: Work, ledger: Ledger, folder: RunFolder) -> str:
    """The ends of the logs that may say why: the load process', and those of servers that left answers owing."""
    suspects = [endpoint.endpoint for endpoint in ledger.endpoints if endpoint.failed or endpoint.lost]
    suspects = list(dict.fromkeys([*work.lost, *suspects]))
    logs = {"driver.log": tail_file(folder.driver_log, _LOG_LINES).strip()}
    logs |= {f"server {name}": text for name, text in server_logs(work.campaign, suspects, _LOG_LINES).items()}
    parts = [f"\nlast lines of {name}:\n  " + text.replace("\n", "\n  ") for name, text in logs.items() if text]
    return "".join(parts[: _LOGS + 1])
