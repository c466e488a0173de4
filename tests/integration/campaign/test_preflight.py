"""`assay check`: one answer on the way that a run takes, and what else a run needs here."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.campaigns import Quiet
from tests.rig.hosts import TINY
from tests.simulated import simulators

from assay.campaign.planning import planned
from assay.campaign.preflight import preflight
from assay.campaign.runner import resume_campaign, run_campaign
from assay.campaign.state import begin, resumed_config
from assay.cluster.local import LocalLauncher
from assay.commands.main import main
from assay.config import Config
from assay.datasets import load_dataset
from assay.errors import UserError
from assay.load.room import Room
from assay.serving.health import CheckOutcome, CheckReport, CheckRow
from assay.serving.servers import ServerSpec

pytestmark = pytest.mark.engine  # the prompts are tokenised with the embedded model's tokenizer

SIMULATED = {"kind": "simulated", "itl_ms": 1}


def config(folder: Path, engine: dict[str, Any], **fields: Any) -> Config:
    settings = {
        "scenarios": ["Offline"],
        "dataset": {"samples": 4},
        "output": str(folder / "results"),
        "engine": engine,
        **fields,
    }
    return Config.model_validate(settings)


def external(url: str, **fields: Any) -> dict[str, Any]:
    return {"kind": "external", "model": "simulated", "endpoints": [{"url": url, "name": "e"}], **fields}


async def rows_of(made: Config) -> dict[str, CheckRow]:
    return {row.check: row for row in (await checked(made)).rows}


async def checked(made: Config) -> CheckReport:
    return await preflight(made, lambda told: None)


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with simulators(tmp_path, [()]) as (one,):
        yield one


async def test_a_server_that_runs_answers_a_request_of_the_run(tmp_path: Path) -> None:
    truth = tmp_path / "truth.jsonl"
    with simulators(tmp_path, [("--truth", str(truth))]) as (url,):
        report = await checked(config(tmp_path, external(url, server="vllm")))
    (row,) = [row for row in report.rows if row.check == "first token"]
    assert (row.node, row.outcome, row.required) == ("e", CheckOutcome.PASSED, True)
    assert "the server's token ids" in row.detail
    assert (report.ready, report.answered) == (True, True)
    client = {row.check: row for row in report.rows if row.node == "controller"}
    assert "up to 4 requests in flight" in client["connections"].detail
    assert "measured here" in client["client"].detail
    # One to learn what the server takes, and one of the run's.
    assert json.loads(truth.read_text().splitlines()[-1])["requests"] == 2


async def test_what_the_server_says_is_told(tmp_path: Path) -> None:
    with simulators(tmp_path, [("--fault", "kind=error_500")]) as (url,):
        report = await checked(config(tmp_path, external(url)))
    (row,) = [row for row in report.failed if row.check == "first token"]
    assert "500" in row.detail
    assert row.mend
    assert (report.ready, report.answered) == (False, False)


async def test_how_often_it_was_tried_is_told(tmp_path: Path) -> None:
    with simulators(tmp_path, [("--fault", "kind=error_500,after=1")]) as (url,):
        report = await checked(config(tmp_path, external(url, server="vllm")))
    (row,) = [row for row in report.failed if row.check == "first token"]
    assert row.detail.endswith("(3 tries)")


async def test_a_server_without_the_api_fails_though_it_lists_the_model(tmp_path: Path) -> None:
    launcher = LocalLauncher("tiny", tmp_path)
    await launcher.prepare([ServerSpec("tiny", "local", ("{python}", str(TINY), "--port", "{port}"))])
    (server,) = await launcher.place()
    try:
        await launcher.wait_ready(answers)
        rows = await rows_of(config(tmp_path, {**external(server.url), "model": "tiny"}))
    finally:
        await launcher.stop()
    assert rows["model"].outcome is CheckOutcome.PASSED
    assert rows["first token"].outcome is CheckOutcome.FAILED
    assert "501" in rows["first token"].detail  # its words for a POST


async def answers(server: Any) -> str | None:
    from assay.serving.client import ControlClient, ControlError
    from assay.serving.connection import EndpointConnection

    try:
        await ControlClient(EndpointConnection(url=server.url)).get("/health")
    except ControlError as error:
        return str(error)
    return None


async def test_where_servers_start_with_the_run_it_says_what_was_not_tried(tmp_path: Path) -> None:
    report = await checked(config(tmp_path, SIMULATED))
    (row,) = [row for row in report.rows if row.check == "first token"]
    assert (row.outcome, row.detail) == (CheckOutcome.SKIPPED, "not tried: the servers start with the run")
    assert (report.ready, report.answered) == (True, False)


async def test_an_endpoint_that_is_down_is_not_asked_for_a_token(tmp_path: Path) -> None:
    report = await checked(config(tmp_path, external("http://127.0.0.1:9")))
    assert [row.check for row in report.failed] == ["reachable"]
    (row,) = [row for row in report.rows if row.check == "first token"]
    assert (row.node, row.outcome) == ("e", CheckOutcome.SKIPPED)


EXTERNAL = {"kind": "external", "model": "m", "endpoints": [{"url": "http://127.0.0.1:1"}]}
ENGINE_CA = {**EXTERNAL, "ca_file": "engine.pem"}
ENDPOINT_CA = {**EXTERNAL, "endpoints": [{"url": "http://127.0.0.1:1", "ca_file": "endpoint.pem"}]}


@pytest.mark.parametrize(
    ("fields", "check", "words"),
    [
        ({"loadgen": {"audit_config": "none.config"}}, "audit.config", "none.config can't be read"),
        ({"load": {"ca_file": "none.pem"}}, "certificates", "none.pem holds no certificates"),
        ({"engine": ENGINE_CA}, "certificates", "engine.pem holds no certificates"),
        ({"engine": ENDPOINT_CA}, "certificates", "endpoint.pem holds no certificates"),
        ({"output": "x" * 300}, "output", "File name too long"),
        ({"tokenizer": "nowhere"}, "tokenizer", "nowhere"),
        ({"dataset": {"path": "none.jsonl"}}, "data set", "none.jsonl"),
        ({"output": "/proc/none"}, "output", "/proc can't be written"),
        ({"cluster": {"nodes": [{"name": "a"}, {"name": "b"}]}, "engine": {}}, "servers", "would share its hardware"),
        ({"engine": {**SIMULATED, "pass_env": ["NO_SUCH_VARIABLE"]}}, "pass_env", "not set here: NO_SUCH_VARIABLE"),
    ],
)
async def test_what_is_missing_here_is_named(tmp_path: Path, fields: dict[str, Any], check: str, words: str) -> None:
    row = (await rows_of(config(tmp_path, **{"engine": SIMULATED, **fields})))[check]
    assert (row.outcome, row.required) == (CheckOutcome.FAILED, True)
    assert words in f"{row.detail}: {row.mend}"


async def test_what_a_user_conf_changes_is_a_row_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    conf = tmp_path / "user.conf"
    fields = {"scenarios": ["Server"], "loadgen": {"user_conf": str(conf)}, "engine": SIMULATED}
    conf.write_text("*.Server.target_qps = 3\n")
    row = (await rows_of(config(tmp_path, **fields)))["user.conf"]
    assert (row.outcome, row.detail) == (CheckOutcome.PASSED, f"user.conf {conf}, Server: *.Server.target_qps = 3")
    conf.write_text("*.Server.target_qsp = 3\n")
    with pytest.raises(UserError, match="did you mean target_qps"):
        await rows_of(config(tmp_path, **fields))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"loadgen": {"audit_config": "none.config"}}, "audit.config: .*/none.config can't be read"),
        ({"load": {"ca_file": "none.pem"}}, "certificates: .*/none.pem holds no certificates"),
        ({"output": "/proc/none"}, "output: /proc can't be written"),
    ],
)
async def test_a_run_refuses_what_is_missing_here_before_anything_is_read(
    tmp_path: Path, fields: dict[str, Any], words: str
) -> None:
    told = Quiet()
    with pytest.raises(UserError, match=words):
        await run_campaign(config(tmp_path, **{"engine": SIMULATED, **fields}), told)
    assert told.said == []


async def test_a_run_refuses_more_connections_than_can_be_opened_before_any_server_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assay.load.room.Room.here", lambda: Room(open_files=103))
    many = config(tmp_path, {**SIMULATED, "window": 16})
    row = (await rows_of(many))["connections"]
    assert (row.outcome, row.required) == (CheckOutcome.FAILED, True)
    with pytest.raises(UserError, match="4 connections over 1 worker need 104 open files"):
        await run_campaign(many, Quiet())
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("load", "words"),
    [
        ({}, "4 connections over 1 worker need 104 open files"),
        ({"ca_file": "none.pem"}, "certificates: .*/none.pem holds no certificates"),
    ],
)
async def test_a_campaign_that_is_resumed_is_refused_what_a_new_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, load: dict[str, Any], words: str
) -> None:
    own = config(tmp_path, {**SIMULATED, "window": 16}, load=load)
    benchmark, runs = planned(own)
    dataset = load_dataset(benchmark, own.dataset)
    folder = begin(own, runs, benchmark, dataset_sha256=dataset.sha256, simulated=True)
    monkeypatch.setattr("assay.load.room.Room.here", lambda: Room(open_files=103))
    with pytest.raises(UserError, match=words):
        await resume_campaign(resumed_config(folder, None), folder, Quiet())
    assert not list(folder.runs.glob("*"))


async def test_a_key_that_is_not_set_is_a_row_of_its_endpoint(tmp_path: Path) -> None:
    assert "NO_SUCH_KEY" not in os.environ
    row = (await rows_of(config(tmp_path, external("http://h:1", api_key_env="NO_SUCH_KEY"))))["connection"]
    assert (row.node, row.outcome) == ("e", CheckOutcome.FAILED)
    assert "NO_SUCH_KEY" in row.mend


async def test_nothing_is_left_behind(tmp_path: Path) -> None:
    await checked(config(tmp_path, SIMULATED))
    assert not list(tmp_path.iterdir())


def test_the_last_line_says_whether_an_answer_was_seen(tmp_path: Path, url: str) -> None:
    file = tmp_path / "assay.yaml"
    running = f"{{kind: external, model: simulated, server: vllm, endpoints: [{{url: '{url}'}}]}}"
    for engine, code, last in (
        (running, 0, "a run can start"),
        ("{kind: simulated}", 0, "nothing found that keeps a run from starting; whether the servers answer shows"),
        (running.replace("model: simulated", "model: other"), 1, "a run can't start until the required checks pass"),
    ):
        file.write_text(f"scenarios: [Offline]\ndataset: {{samples: 2}}\noutput: {tmp_path}/out\nengine: {engine}\n")
        done = CliRunner().invoke(main, ["check", str(file)])
        assert done.exit_code == code, done.output
        assert last in " ".join(done.output.split())[-len(last) - 60 :]  # the terminal's width breaks it
