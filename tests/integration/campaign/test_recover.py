"""A run that a crash left at each point of its course: closed from its journals, completed or to be run again."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest
from tests.campaigns import FAST, Quiet, config

from assay.benchmarks import get_benchmark
from assay.campaign.close import closed
from assay.campaign.prepare import prepare
from assay.campaign.recover import recover
from assay.campaign.runner import run_campaign
from assay.campaign.work import Work
from assay.errors import UserError
from assay.load.attempts import ATTEMPTS_SCHEMA, read_attempts
from assay.runs import (  # fmt: skip
    CampaignFolder,
    CampaignState,
    RunEntry,
    RunFolder,
    RunRecord,
    RunStatus,
    atomic,
    check_run,
    read_campaign,
    read_ledger,
    read_record,
    read_requests,
    read_telemetry,
    write_json,
)


@dataclass
class Crashed:
    """A campaign of one performance and one accuracy run, both with everything that was there before they closed."""

    work: Work
    state: CampaignState

    def entry(self, mode: str = "performance") -> RunEntry:
        return next(entry for entry in self.state.runs if entry.mode == mode)

    def run(self, mode: str = "performance") -> RunFolder:
        name = self.entry(mode).run
        assert name is not None
        return self.work.campaign.run(name)

    def recover(self) -> list[str]:
        said: list[str] = []
        recover(self.work, self.state, said.append)
        return said

    def unclose(self, mode: str = "performance") -> RunFolder:
        """Back to the moment after the load's end: nothing that is made from the journals is there."""
        run = self.run(mode)
        made = [run.manifest, run.result, run.ledger, run.requests, run.warmup, run.accuracy, run.accuracy_txt]
        for path in [*made, run.telemetry]:
            path.unlink(missing_ok=True)
        record = RunRecord.model_validate_json(run.record.read_bytes())
        blank = {"status": RunStatus.INCOMPLETE, "reason": "", "ended_utc": None, "issued": 0}
        write_json(run.record, record.model_copy(update=blank))
        entry = self.entry(mode)
        entry.status, entry.reason = None, ""
        return run


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[Work, Path]:
    """A real campaign whose journals were kept."""
    folder = tmp_path_factory.mktemp("campaign")
    engine, one = {**FAST, "speeds": {}}, {"nodes": [{"name": "node-a"}]}
    settings = config(folder, modes=["performance", "accuracy"], engine=engine, cluster=one)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("assay.campaign.close.discard_journals", lambda _: None)
        patch.setattr("assay.campaign.runner.render_reports", lambda *_: [])
        outcome = asyncio.run(run_campaign(settings, Quiet()))
    assert outcome.sound, [entry.reason for entry in outcome.state.runs]
    scratch = tmp_path_factory.mktemp("scratch")
    return Work(
        settings,
        prepare(settings, get_benchmark(settings.benchmark), "simulated", scratch, lambda _: None),
        outcome.folder,
    ), folder


@pytest.fixture
def crashed(original: tuple[Work, Path], tmp_path: Path) -> Crashed:
    work, _ = original
    copy = CampaignFolder(tmp_path / work.campaign.path.name)
    shutil.copytree(work.campaign.path, copy.path)
    for plan in copy.runs.glob("*/parts/plan.json"):  # its folder has moved
        plan.write_text(plan.read_text().replace(str(work.campaign.path), str(copy.path)))
        os.utime(plan, (0, 0))
    return Crashed(Work(work.config, work.prepared, copy), read_campaign(copy))


@pytest.mark.parametrize("mode", ["performance", "accuracy"])
def test_a_load_that_had_ended_is_completed(crashed: Crashed, mode: str) -> None:
    before = RunRecord.model_validate_json(crashed.run(mode).record.read_bytes())
    rows, telemetry = read_requests(crashed.run(mode).requests).num_rows, read_telemetry(crashed.run(mode).telemetry)
    ledger, result = read_ledger(crashed.run(mode)), crashed.run(mode).result.read_bytes()
    scores = crashed.run(mode).accuracy.read_bytes() if mode == "accuracy" else b""
    run = crashed.unclose(mode)
    crashed.recover()
    entry = crashed.entry(mode)
    assert (entry.status, entry.run, entry.earlier) == (RunStatus.COMPLETED, run.id, [])
    assert read_ledger(run) == ledger
    assert read_requests(run.requests).num_rows == rows
    assert run.result.read_bytes() == result
    assert not run.parts.exists()
    after = RunRecord.model_validate_json(run.record.read_bytes())
    assert after.closed == "after an interruption"
    assert read_telemetry(run.telemetry) == telemetry
    assert before.ended_utc is not None
    assert after.ended_utc is not None
    assert after.ended_utc <= before.ended_utc, "the end is that of the load, not of the recovery"
    assert after.model_copy(update={"ended_utc": before.ended_utc, "closed": ""}) == before
    assert scores == (run.accuracy.read_bytes() if mode == "accuracy" else b"")


def test_a_load_that_was_cut_off_is_closed_and_run_again(crashed: Crashed) -> None:
    run = crashed.unclose()
    (run.parts / "outcome.json").unlink()
    (journal,) = run.parts.glob("attempts-*.arrows")
    rows = pa.Table.from_batches(read_attempts(journal))
    first, second = (rows[begin:end].to_batches(max_chunksize=8)[0].serialize() for begin, end in ((0, 3), (3, 8)))
    cut = memoryview(second)[: second.size // 2]  # killed while it wrote what had come since the third
    journal.write_bytes(b"".join([ATTEMPTS_SCHEMA.serialize(), first, cut]))
    said = crashed.recover()
    entry = crashed.entry()
    assert (entry.status, entry.run, entry.earlier) == (None, None, [run.id])
    assert any("will be run again" in line for line in said)
    record = RunRecord.model_validate_json(run.record.read_bytes())
    assert (record.status, record.reason) == (
        RunStatus.INTERRUPTED,
        "the process that carried out the campaign was killed",
    )
    ledger = read_ledger(run)
    assert (ledger.issued, ledger.completed, ledger.lost, ledger.balanced) == (8, 3, 5, True)
    assert b'"interrupted: no result"' in run.result.read_bytes()
    assert not run.parts.exists()


def test_a_crash_between_result_and_state_repeats_nothing(crashed: Crashed) -> None:
    run, entry = crashed.run(), crashed.entry()
    result = run.result.read_bytes()
    entry.status = None
    (run.parts / "plan.json").unlink()  # the journals were half gone
    crashed.recover()
    assert (entry.status, entry.run, entry.earlier) == (RunStatus.COMPLETED, run.id, [])
    assert run.result.read_bytes() == result
    assert not run.parts.exists()


class Killed(BaseException):
    """As a signal that nobody handles: no `except Exception` sees it."""


def kill_at(patch: pytest.MonkeyPatch, place: int) -> None:
    """Die where the file of that place, from 0, would be written."""
    written: list[str] = []
    write = atomic.write_bytes

    def dying(path: Path, data: bytes) -> None:
        if len(written) == place:
            raise Killed(path.name)
        write(path, data)
        written.append(path.name)

    patch.setattr(atomic, "write_bytes", dying)


@pytest.mark.parametrize("mode", ["performance", "accuracy"])
def test_a_kill_between_any_two_files_leaves_a_run_that_is_closed_again_with_a_true_manifest(
    crashed: Crashed, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = crashed.run(mode).result.read_bytes()
    monkeypatch.setattr("assay.campaign.close.discard_journals", lambda _: None)  # the next of these needs them
    at: list[str] = []
    while place := killed_at(crashed, mode, len(at)):
        at.append(place)
        run = crashed.run(mode)
        assert not closed(run, read_record(run)), at
        crashed.recover()
        assert check_run(run, read_record(run)).differences == [], at
        assert run.result.read_bytes() == result, at
    assert at[0] == "ledger.json"
    assert at[-1] == "manifest.json"
    assert {"run.json", "result.json", "audit.json"} <= set(at)


def killed_at(crashed: Crashed, mode: str, place: int) -> str:
    """Close a run, and be killed where the file of that place would be written: its name; empty where there is none."""
    crashed.unclose(mode)
    with pytest.MonkeyPatch.context() as patch:
        kill_at(patch, place)
        try:
            crashed.recover()
        except Killed as killed:
            return str(killed)
    return ""


def test_a_kill_while_the_journals_go_changes_no_file(crashed: Crashed) -> None:
    run = crashed.unclose()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("assay.campaign.close.discard_journals", dying)
        with pytest.raises(Killed):
            crashed.recover()
    before = {path: path.read_bytes() for path in run.path.glob("*.*")}
    (run.parts / "plan.json").unlink()
    crashed.recover()
    assert {path: path.read_bytes() for path in run.path.glob("*.*")} == before
    assert not run.parts.exists()


def dying(_: RunFolder) -> None:
    raise Killed


def test_a_result_that_is_computed_again_is_held_against_what_it_was(crashed: Crashed) -> None:
    run = crashed.run()
    run.result.write_bytes(b"{")
    crashed.recover()
    assert check_run(run, read_record(run)).differences == []
    other = json.loads(run.ledger.read_bytes()) | {"resent": 1}
    write_json(run.ledger, other)
    run.result.write_bytes(b"{")
    crashed.recover()
    assert check_run(run, read_record(run)).differences == ["ledger.json: changed", "result.json: changed"]


@pytest.mark.parametrize("left", ["nothing", "folder", "record"])
def test_a_crash_before_the_load_leaves_no_trace(crashed: Crashed, left: str) -> None:
    run, entry = crashed.run(), crashed.entry()
    entry.status = None
    for path in run.path.iterdir():
        if left != "record" or path != run.record:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    if left == "nothing":
        run.path.rmdir()
    crashed.recover()
    assert (entry.status, entry.run, entry.earlier) == (None, None, [])
    assert not run.path.exists()


def test_a_completed_run_whose_folder_is_gone_is_run_again(crashed: Crashed) -> None:
    run, entry = crashed.run(), crashed.entry()
    shutil.rmtree(run.path)
    (said,) = crashed.recover()
    assert (entry.status, entry.run, entry.earlier) == (None, None, [])
    assert said == f"Offline: {run.path} is gone, will be run again"


def test_recovering_twice_changes_nothing(crashed: Crashed) -> None:
    crashed.unclose("accuracy")
    run = crashed.unclose()
    (run.parts / "outcome.json").unlink()
    crashed.recover()
    state = crashed.state.model_copy(deep=True)
    assert crashed.recover() == []
    assert crashed.state == state


@pytest.mark.parametrize(("written", "missing"), [(True, ""), (False, "; without telemetry")])
def test_telemetry_without_its_journal_is_missing_only_where_it_was_not_written(
    crashed: Crashed, written: bool, missing: str
) -> None:
    telemetry = crashed.run().telemetry.read_bytes()
    run = crashed.unclose()
    run.telemetry_journal.unlink()
    if written:
        run.telemetry.write_bytes(telemetry)
    crashed.recover()
    assert RunRecord.model_validate_json(run.record.read_bytes()).closed == f"after an interruption{missing}"


def test_a_run_that_could_not_be_closed_is_closed_by_resuming(
    crashed: Crashed, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, entry = crashed.unclose(), crashed.entry()
    with monkeypatch.context() as patch:
        patch.setattr("assay.campaign.close.discard_journals", lambda _: 1 / 0)
        crashed.recover()
    assert entry.status is RunStatus.FAILED
    assert entry.reason.startswith(
        f"{run.path} couldn't be closed (ZeroDivisionError: division by zero); traceback in "
    )
    assert str(run.driver_log) in entry.reason
    assert "\n" not in entry.reason
    assert "ZeroDivisionError" in run.driver_log.read_text()
    assert not run.result.exists()
    crashed.recover()
    assert (entry.status, entry.run, entry.reason) == (RunStatus.COMPLETED, run.id, "")
    assert read_ledger(run).completed == 8
    assert not run.parts.exists()


OTHER_VERSION = b'{"version": 99}'
DAMAGES = [b'{"version": 1, "run"', OTHER_VERSION, b"[1, 2]", b"\xff\xfe\x00{"]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_result_that_cannot_be_read_is_computed_again(crashed: Crashed, damage: bytes) -> None:
    run, entry = crashed.run(), crashed.entry()
    before, ran = run.result.read_bytes(), entry.run
    run.result.write_bytes(damage)
    said = crashed.recover()
    assert run.result.read_bytes() == before
    assert (entry.status, entry.run) == (RunStatus.COMPLETED, ran)
    assert len(said) == 2
    assert str(run.result) in said[0]
    assert said[1].endswith("result.json was computed again from the run's records")


@pytest.mark.parametrize("name", ["record", "ledger"])
def test_what_was_measured_is_not_made_up_when_it_cannot_be_read(crashed: Crashed, name: str) -> None:
    run = crashed.run()
    path = getattr(run, name)
    path.write_bytes(OTHER_VERSION)
    run.result.write_bytes(OTHER_VERSION)
    with pytest.raises(UserError, match=r"version 99, this assay reads .*; use the assay that wrote it") as error:
        crashed.recover()
    assert str(error.value).startswith(str(path))


@pytest.mark.parametrize("name", ["plan", "outcome"])
def test_a_damaged_journal_names_itself_and_the_mend(crashed: Crashed, name: str) -> None:
    run = crashed.unclose()
    path = getattr(run, name)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(UserError, match=r"not JSON: .*; remove") as error:
        crashed.recover()
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["../../victim", "..", "/victim", ""])
def test_a_run_of_another_place_is_refused(crashed: Crashed, name: str) -> None:
    crashed.entry().run = name
    write_json(crashed.work.campaign.state, crashed.state)
    with pytest.raises(UserError, match=r"campaign\.json: can't be read as a campaign: runs\.0\.run: .*no plain name"):
        read_campaign(crashed.work.campaign)


def test_what_was_measured_is_never_removed(crashed: Crashed) -> None:
    run, entry = crashed.run(), crashed.entry()
    entry.status = None
    run.record.unlink()
    with pytest.raises(UserError, match=r"requests\.parquet: run\.json isn't beside it: restore it, or move"):
        crashed.recover()
    assert run.requests.exists()
