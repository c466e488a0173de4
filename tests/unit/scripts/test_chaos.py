"""`scripts/chaos.py`: cases follow from the seed, it ends only what it started, and its checks find what is wrong."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.campaigns import FAST, Quiet, config

from assay.campaign.runner import run_campaign
from assay.runs import CampaignFolder, RunFolder, read_ledger, read_requests, write_json

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"


@pytest.fixture(scope="module")
def chaos() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPTS))
        yield import_module("chaos")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> CampaignFolder:
    """A real campaign of one run, with the servers' word on it in `truth`."""
    place = tmp_path_factory.mktemp("measured")
    engine = {**FAST, "speeds": {}, "truth": str(place / "truth")}
    one = {"nodes": [{"name": "node-a"}]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("assay.campaign.runner.render_reports", lambda *_: [])
        outcome = asyncio.run(run_campaign(config(place, engine=engine, cluster=one), Quiet()))
    assert outcome.sound
    return outcome.folder


@pytest.fixture
def campaign(measured: CampaignFolder, tmp_path: Path) -> CampaignFolder:
    shutil.copytree(measured.path, tmp_path / measured.path.name)
    return CampaignFolder(tmp_path / measured.path.name)


def only_run(campaign: CampaignFolder) -> RunFolder:
    (path,) = campaign.runs.iterdir()
    return RunFolder(path)


def test_a_case_follows_from_its_seed_and_number(chaos: ModuleType) -> None:
    cases = [chaos.draw(1, number) for number in range(200)]
    assert cases == [chaos.draw(1, number) for number in range(200)]
    assert cases != [chaos.draw(2, number) for number in range(200)]
    kills = [kill for case in cases for kill in case.kills]
    assert {case.shape for case in cases} == {"Offline", "Server", "SingleStream", "concurrency", "rate"}
    assert {kill.target for kill in kills} == {"controller", "driver", "worker", "server"}
    assert {name for kill in kills for name in kill.signals} == {"SIGKILL", "SIGTERM", "SIGINT", "SIGHUP"}
    assert len({fault.partition(",")[0] for case in cases for node in case.faults for fault in node}) >= 12


def test_only_processes_with_the_mark_are_ended(chaos: ModuleType) -> None:
    own = subprocess.Popen(["sleep", "600"], env={**os.environ, chaos.MARK: "mine"})
    other = subprocess.Popen(["sleep", "600"], env={**os.environ, chaos.MARK: "mine too"})
    try:
        assert own.pid in chaos.marked("mine")
        assert other.pid not in chaos.marked("mine")
        assert chaos.end(own.pid, "mine", signal.SIGKILL)
        assert own.wait(60) == -signal.SIGKILL
        assert not chaos.end(other.pid, "mine", signal.SIGKILL)
        assert not chaos.end(own.pid, "mine", signal.SIGKILL)
        assert other.poll() is None
    finally:
        for process in (own, other):
            process.kill()
            process.wait()


def test_a_good_campaign_has_no_problems(chaos: ModuleType, campaign: CampaignFolder, measured: CampaignFolder) -> None:
    found = chaos.checks.answers(campaign)
    assert {run: len(keys) for run, keys in found.items()} == {only_run(campaign).id: 8}
    assert chaos.checks.lost(found, found) == []
    assert chaos.checks.unbalanced(campaign) == []
    assert chaos.checks.tracebacks(campaign.path) == []
    sent, faults = chaos.checks.sent_in_full(measured.path.parents[1] / "truth")
    assert (len(sent) >= 8, faults) == (True, 0)
    assert chaos.checks.unrecorded(only_run(campaign), sent, float("inf")) == []


def test_an_answer_that_is_gone_is_found(chaos: ModuleType, campaign: CampaignFolder) -> None:
    before, run = chaos.checks.answers(campaign), only_run(campaign)
    table = read_requests(run.requests)
    statuses = ["connection_reset", *table["status"].to_pylist()[1:]]
    column = pa.array(statuses).dictionary_encode().cast(table.schema.field("status").type)
    pq.write_table(table.set_column(table.schema.get_field_index("status"), "status", column), run.requests)
    sample = table["sample_id"][0].as_py()
    assert chaos.checks.lost(before, chaos.checks.answers(campaign)) == [f"{run.id}: sample {sample}, attempt 1"]
    sent = [chaos.checks.Sent(row["sent_ns"], row["last_ns"]) for row in table.to_pylist()]
    assert chaos.checks.unrecorded(run, sent, float("inf")) == [f"{run.id}: 8 answers were sent, 7 are recorded"]
    assert chaos.checks.unrecorded(run, sent, 0) == []
    assert chaos.checks.unbalanced(campaign) == [f"{run.id}: the ledger says (8, 8, 0, 0), the table (8, 7, 1, 0)"]


def test_a_ledger_that_names_a_problem_is_found(chaos: ModuleType, campaign: CampaignFolder) -> None:
    run = only_run(campaign)
    ledger = read_ledger(run)
    ledger.problems = ["something"]
    write_json(run.ledger, ledger)
    assert chaos.checks.unbalanced(campaign) == [f"{run.id}: something"]


def test_a_traceback_in_a_log_is_found(chaos: ModuleType, campaign: CampaignFolder) -> None:
    log = only_run(campaign).driver_log
    log.write_text("Traceback (most recent call last):\n  …\n")
    assert chaos.checks.tracebacks(campaign.path) == [str(log)]


@pytest.mark.slow
def test_an_undisturbed_case_is_good_and_leaves_nothing(
    chaos: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    calm = chaos.Case(0, "concurrency", own_servers=False, nodes=1, repeats=1, seed=1, faults=((),), kills=())
    monkeypatch.setattr(chaos, "draw", lambda *_: calm)
    code = chaos.main(["--cases", "1", "--seed", "7", "--keep", str(tmp_path / "kept"), "--json"])
    outcome = json.loads(capsys.readouterr().out)
    assert outcome.pop("seconds") > 0
    zero = ("faults", "kills", "resumes", "unbalanced", "left_running", "left_folders", "lost_answers", "tracebacks")
    assert outcome == {"seed": 7, "cases": 1, "runs": 1, "failing": [], "wrong_ends": 0} | dict.fromkeys(zero, 0)
    assert code == 0
    assert not (tmp_path / "kept").exists()


def test_a_case_that_fails_is_kept_and_named(
    chaos: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    calm = chaos.Case(0, "rate", own_servers=False, nodes=1, repeats=1, seed=1, faults=((),), kills=())
    monkeypatch.setattr(chaos, "draw", lambda *_: calm)
    monkeypatch.setattr(chaos, "bench_arguments", lambda *_: ["no-such-command"])
    assert chaos.main(["--cases", "1", "--seed", "7", "--keep", str(tmp_path), "--json"]) == 1
    printed = capsys.readouterr()
    outcome = json.loads(printed.out)
    assert outcome["wrong_ends"] > 0
    (kept,) = outcome["failing"]
    assert (Path(kept) / "case.json").exists()
    assert "case 0: " in printed.err
