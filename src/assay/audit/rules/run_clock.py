"""Everything in a run folder happened while the run lasted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from assay.audit.evidence import RunEvidence
from assay.audit.folder import MISSING, FolderFacts
from assay.audit.registry import Check, contradicted, run_rule, supported, unsupported

_GRAIN_S, _ROOM_S = 2.0, 60.0


@run_rule(
    "run-clock",
    explain="""
run.json says when the run began and ended, in UTC, and how far its clock is from UTC. The records, the telemetry and
the date in LoadGen's detail log lie within that time, and the run's id is of its beginning. A clock may be set right
meanwhile: up to a minute outside leaves it unsupported that they are this run's, and only more contradicts it.
""",
    source="run.json: started_utc, ended_utc, clock_offset_ns; LoadGen's test_datetime",
)
def check(run: RunEvidence) -> Iterator[Check]:
    facts = run.folder
    if facts is None or not run.finished or facts.record.ended_utc is None:
        return
    begin, end = _utc_s(facts.record.started_utc), _utc_s(facts.record.ended_utc)
    if begin is None or end is None:
        return
    found = []
    if end < begin:
        found.append(contradicted(f"it ended at {facts.record.ended_utc}", f"it began at {facts.record.started_utc}"))
    times = [*_ours(facts), *_loadgens(run), *_made(facts, begin)]
    for what, first, last in times:
        outside_s = max(begin - first, last - end)
        if outside_s > _GRAIN_S:
            words = f"{_hour(first)} to {_hour(last)}; the run lasted from {_hour(begin)} to {_hour(end)}"
            found.append((contradicted if outside_s > _ROOM_S else unsupported)(f"{what} are this run's", words))
    yield from found
    if not found and times:
        yield supported("it all happened in the run's time", ", ".join(what for what, _, _ in times))


def _ours(facts: FolderFacts) -> Iterator[tuple[str, float, float]]:
    offset = facts.record.clock_offset_ns
    if facts.rows is not None and len(facts.rows):
        done = facts.rows["done_ns"]
        last = max(int(done.max()), int(facts.rows["issued_ns"].max()))
        if done.max() != MISSING:
            yield "the records", (int(facts.rows["issued_ns"].min()) + offset) / 1e9, (last + offset) / 1e9
    if facts.telemetry_ns is not None:
        first, last = facts.telemetry_ns
        yield "the telemetry's times", (first + offset) / 1e9, (last + offset) / 1e9


def _loadgens(run: RunEvidence) -> Iterator[tuple[str, float, float]]:
    at = _utc_s(str(run.detail.values.get("test_datetime", ""))) if run.detail else None
    if at is not None:
        yield "LoadGen's logs", at, at


def _made(facts: FolderFacts, begin_s: float) -> Iterator[tuple[str, float, float]]:
    """When the id was made, which begins with the time: just before the run began."""
    try:
        made = datetime.strptime(facts.record.id.partition("-")[0], "%Y%m%dT%H%M%S%z").timestamp()
    except ValueError:  # no id of this program's making
        return
    if abs(made - begin_s) > _ROOM_S:
        yield "its id and its beginning", made, made


def _utc_s(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None


def _hour(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
