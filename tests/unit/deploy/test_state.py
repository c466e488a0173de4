"""`deployment.json` is read with the eyes with which it was written: what leads out of the deployment is refused."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from assay.campaign.servers import stop_leftovers
from assay.campaign.state import held
from assay.cluster.local import GUARD, LocalLauncher
from assay.cluster.options import LocalOptions, SlurmOptions
from assay.cluster.slurm import SlurmLauncher
from assay.commands.main import main
from assay.deploy import Deployment, stop_deployment
from assay.engines import SimulatedOptions
from assay.errors import UserError
from assay.runs import CampaignFolder
from assay.serving.nodes import NodeOptions
from assay.serving.servers import PlacedServer, ServerSpec


def ticks(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]


def write(folder: Path, handle: dict[str, str] | None = None, **changes: Any) -> Path:
    """A record of one server on `local`; `changes` are the server's where it has such a field."""
    server = {"name": "local", "node": "local", "url": "", "path": "direct", "state": "ready", "handle": handle or {}}
    record = {"version": 1, "label": "run-1", "status": "up", "controller_pid": 1, "cluster": {"launcher": "local"}}
    server |= {name: value for name, value in changes.items() if name in server}
    record |= {name: value for name, value in changes.items() if name not in server}
    path = CampaignFolder(folder).deployment
    path.write_text(json.dumps({**record, "servers": [server]}))
    return path


@pytest.fixture
def guarded() -> Iterator[subprocess.Popen[bytes]]:
    """A server of run-1 whose controller is gone."""
    command = [sys.executable, "-I", "-S", str(GUARD), "--run", "run-1", "--", "sleep", "600"]
    process = subprocess.Popen(command, start_new_session=True)
    try:
        while GUARD.name not in Path(f"/proc/{process.pid}/cmdline").read_text():
            time.sleep(0.01)
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"label": "../../victim"}, "label"),
        ({"label": "victim\n"}, "label"),
        ({"label": ""}, "label"),
        ({"name": "../victim"}, "no plain name"),
        ({"name": "a\nb"}, "no plain name"),
        ({"node": ".."}, "no plain name"),
        ({"node": "elsewhere"}, "'elsewhere', which is no node of its cluster"),
        ({"url": "http://user:password@host"}, "url"),
        ({"url": "file:///etc/passwd"}, "url"),
    ],
)
def test_a_record_that_leads_elsewhere_is_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    path = write(tmp_path, **changes)
    with pytest.raises(UserError) as error:
        asyncio.run(stop_deployment(tmp_path))
    assert str(error.value).startswith(f"{path}: can't be read as a deployment: ")
    assert words in str(error.value)


@pytest.mark.parametrize("pid", ["0", "-1", "self", "", "1" * 30])
def test_a_process_id_that_is_none_ends_nothing(tmp_path: Path, pid: str) -> None:
    write(tmp_path, {"pid": pid, "start": "0"})
    assert asyncio.run(stop_deployment(tmp_path)) == ["local"]


def test_a_process_without_the_runs_mark_is_left_alone(tmp_path: Path, guarded: subprocess.Popen[bytes]) -> None:
    with subprocess.Popen(["sleep", "600"]) as other:
        try:
            write(tmp_path, {"pid": str(other.pid), "start": ticks(other.pid)})
            asyncio.run(stop_deployment(tmp_path))
            assert other.poll() is None
        finally:
            other.kill()
    write(tmp_path, {"pid": str(guarded.pid), "start": ticks(guarded.pid)}, label="run-2")
    asyncio.run(stop_deployment(tmp_path))
    assert guarded.poll() is None


def test_stop_looks_whatever_the_record_says(tmp_path: Path, guarded: subprocess.Popen[bytes]) -> None:
    write(tmp_path, {"pid": str(guarded.pid), "start": ticks(guarded.pid)}, state="stopped", status="stopped")
    told = CliRunner().invoke(main, ["stop", str(tmp_path)])
    assert (told.exit_code, told.output) == (0, f"{tmp_path}: nothing is left running of local\n")
    assert guarded.wait(60) != 0


def test_stop_leaves_a_campaign_to_its_controller(tmp_path: Path, guarded: subprocess.Popen[bytes]) -> None:
    write(tmp_path, {"pid": str(guarded.pid), "start": ticks(guarded.pid)})
    with held(CampaignFolder(tmp_path)):
        told = CliRunner().invoke(main, ["stop", str(tmp_path)])
        assert told.exit_code == 2
        assert "another assay process is carrying out this campaign: end that one" in told.output
        assert "--force" in told.output
        assert guarded.poll() is None
        assert CliRunner().invoke(main, ["stop", str(tmp_path), "--force"]).exit_code == 0
    assert guarded.wait(60) != 0


def test_trials_are_stopped_too_and_links_are_not_followed(tmp_path: Path, guarded: subprocess.Popen[bytes]) -> None:
    campaign, outside = CampaignFolder(tmp_path / "campaign"), tmp_path / "outside"
    trial = campaign.trials / "local"
    for folder in (trial, outside):
        folder.mkdir(parents=True)
    (campaign.trials / "linked").symlink_to(outside)
    write(outside, {"pid": str(guarded.pid), "start": ticks(guarded.pid)})
    assert asyncio.run(stop_leftovers(campaign)) == []
    assert guarded.poll() is None
    write(trial, {"pid": str(guarded.pid), "start": ticks(guarded.pid)})
    assert CliRunner().invoke(main, ["stop", str(campaign.path)]).exit_code == 0
    assert guarded.wait(60) != 0


def test_a_server_is_written_down_before_it_is_placed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    async def place(launcher: LocalLauncher) -> list[PlacedServer]:
        seen.append(json.loads(CampaignFolder(tmp_path).deployment.read_bytes()))
        raise asyncio.CancelledError

    async def stop(launcher: LocalLauncher) -> None:
        seen.append([server.spec.name for server in launcher.servers])

    monkeypatch.setattr(LocalLauncher, "place", place)
    monkeypatch.setattr(LocalLauncher, "stop", stop)

    async def deploy() -> None:
        async with Deployment(SimulatedOptions(kind="simulated"), LocalOptions(), label="run-1", folder=tmp_path):
            pass

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(deploy())
    assert [server["name"] for server in seen[0]["servers"]] == ["local"]
    assert seen[1] == ["local"]


def test_slurms_folder_goes_only_with_the_runs_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cancelled: list[str] = []

    async def cancel(name: str) -> None:
        cancelled.append(name)

    monkeypatch.setattr("assay.cluster.slurm.commands.cancel", cancel)
    options = SlurmOptions(launcher="slurm", nodes=(NodeOptions(name="n1"),), folder=str(tmp_path))
    victim = tmp_path / "victim"
    victim.mkdir()
    for mark, stays in (("", True), ("another", True), ("victim", False)):
        if mark:
            (victim / "assay-run").write_text(mark)
        launcher = SlurmLauncher(options, "victim")
        launcher.servers = [PlacedServer(ServerSpec(name="n1", node="n1", argv=()), "")]
        asyncio.run(launcher.stop())
        assert victim.exists() == stays
    assert cancelled == ["assay-victim"] * 3


def agent(*requests: dict[str, Any]) -> list[dict[str, Any]]:
    """What the agent of a node answers."""
    program = Path(sys.modules["assay.cluster.ssh"].__path__[0]) / "agent.py"
    lines = "".join(json.dumps({"id": number, **request}) + "\n" for number, request in enumerate(requests))
    done = subprocess.run(
        [sys.executable, "-I", str(program)], input=lines, capture_output=True, text=True, timeout=60, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines() if '"id"' in line]


def test_an_agent_removes_only_a_folder_of_its_run(tmp_path: Path) -> None:
    import assay.cluster.ssh  # noqa: F401 - the agent's place

    victim = tmp_path / "servers" / "victim"
    victim.mkdir(parents=True)
    hello = {"do": "hello", "folder": str(tmp_path / "servers")}
    stop = {"do": "stop", "grace_s": 0}
    for label in ("../../victim", "..", "", "a/b"):
        assert "is no label of a run" in agent({**hello, "label": label}, stop)[0]["error"]
    assert "isn't a folder of run victim" in agent({**hello, "label": "victim"}, stop)[1]["error"]
    assert victim.exists()
    (victim / "assay-run").write_text("victim")
    assert agent({**hello, "label": "victim"}, stop)[1] == {"id": 1, "stopped": []}
    assert not victim.exists()
    assert agent({**hello, "label": "victim"}, stop)[1] == {"id": 1, "stopped": []}
    assert os.listdir(tmp_path / "servers") == []  # noqa: PTH208
