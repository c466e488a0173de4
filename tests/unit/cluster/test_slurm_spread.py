"""A server over several nodes as one Slurm job: its script run by bash itself, and what is told of its parts' ends.

Slurm's commands are stood in for.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from assay.cluster.launcher import LaunchError
from assay.cluster.options import SlurmOptions
from assay.cluster.slurm import SlurmLauncher, commands
from assay.cluster.slurm.batch import batches
from assay.cluster.slurm.script import directives, sbatch_script
from assay.serving.servers import PlacedServer, ServerSpec, Spread

GUARD = Path(__file__).parents[3] / "src/assay/cluster/guard.py"
TELL = ("{python}", "-c", "import sys; print(sys.argv[1:])")
PLACES = ("{nodes}", "{rank}", "{leader}:{leader_port}")
SPREAD = Spread((*TELL, "leads", *PLACES, "{port}"), (*TELL, "follows", *PLACES), "HOST_IP")
# Of `srun OPTIONS bash SCRIPT`: a task a node, all at once, the later nodes first.
SRUN = """#!/bin/bash
for node in n2 n1; do SLURMD_NODENAME=$node "${@: -2}" & done
wait
"""
SCONTROL = """#!/bin/bash
if [ "$2" = hostnames ]; then echo "$3" | tr , '\\n'; else echo "NodeName=$4 Arch=x NodeAddr=addr-$4 Port=1"; fi
"""


def options_of(folder: Path, **changes: Any) -> SlurmOptions:
    nodes = [{"name": f"n{number}", "accelerators": 2} for number in (1, 2)]
    chosen = {"launcher": "slurm", "nodes": nodes, "folder": str(folder), "python": sys.executable}
    return SlurmOptions.model_validate({**chosen, "nodes_per_server": 2, **changes})


def spec_of(**changes: Any) -> ServerSpec:
    return ServerSpec("n1", "n1", ("alone",), accelerators=(0, 1, 2, 3), spread=SPREAD, **changes)


def run(folder: Path, options: SlurmOptions) -> subprocess.CompletedProcess[str]:
    """The script of a server, with directives that are comments here, as the batch step of a job runs it."""
    (batch,) = batches([spec_of()], options)
    script = folder / batch.script
    script.write_text(sbatch_script(batch, options, "run", folder))
    (folder / "guard.py").write_text(GUARD.read_text())
    for name, text in {"srun": SRUN, "scontrol": SCONTROL}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    environment = {"PATH": f"{folder}:/usr/bin:/bin", "SLURM_JOB_ID": "71", "SLURM_JOB_NODELIST": "n1,n2"}
    return subprocess.run(["bash", str(script)], capture_output=True, text=True, timeout=60, env=environment)


@pytest.mark.parametrize("pin", [True, False])
def test_each_node_of_a_job_is_its_part_of_the_server(tmp_path: Path, pin: bool) -> None:
    done = run(tmp_path, options_of(tmp_path, pin=pin))
    assert done.returncode == 0, done.stderr
    node, port, job, leader_port, *nodes = (tmp_path / "n1.address").read_text().split()
    assert (node, job, nodes) == ("n1", "71", ["n1", "n2"])
    assert leader_port != port
    assert done.stdout.strip() == str(["leads", "2", "0", f"addr-n1:{leader_port}", port])
    assert (tmp_path / "n1_1.log").read_text().strip() == str(["follows", "2", "1", f"addr-n1:{leader_port}"])
    assert [(tmp_path / f"{name}.exit").read_text() for name in ("n1", "n1_1")] == ["0\n", "0\n"]


def test_a_node_by_another_name_is_told(tmp_path: Path) -> None:
    nodes = [{"name": name, "accelerators": 2} for name in ("n1", "alias")]
    done = run(tmp_path, options_of(tmp_path, nodes=nodes))
    assert "cluster.nodes has none by the name that Slurm has for this node" in done.stderr


def test_a_job_asks_for_all_of_its_nodes(tmp_path: Path) -> None:
    (batch,) = batches([spec_of()], options_of(tmp_path))
    asked = directives(batch, options_of(tmp_path), "run", tmp_path)
    assert {"--nodes=2", "--ntasks=2", "--ntasks-per-node=1", "--nodelist=n1,n2", "--gres=gpu:2"} <= set(asked)
    assert not [one for one in directives(batch, options_of(tmp_path, pin=False), "run", tmp_path) if "nodelist" in one]


class PretendedSlurm:
    """A job that runs at once, on two nodes, until it is said to have failed."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.failed = False
        self.tells = True
        self.asked: list[tuple[str, ...]] = []
        monkeypatch.setattr(commands, "run", self.run)
        monkeypatch.setattr("assay.cluster.slurm.launcher.POLL_S", 0)

    async def run(self, *argv: str, stdin: bytes | None = None) -> str:
        self.asked.append(argv)
        if argv[0] == "squeue":
            if self.tells:
                (self.folder / "n1.address").write_text("h1 18000 70 18001 h1 h2\n")
            return "" if self.failed else "70|RUNNING|h[1-2]|None\n"
        if argv[:4] == ("scontrol", "-o", "show", "node"):
            return "NodeName=h1 NodeAddr=10.0.0.1 Port=1\n"
        if argv[0] == "srun":
            raise LaunchError("srun: no such step")
        answers = {"sbatch": "70", "scontrol": "JobId=70 JobState=FAILED Reason=x ExitCode=1:0"}
        return answers.get(argv[0], "")


async def placed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[PretendedSlurm, SlurmLauncher, PlacedServer]:
    slurm = PretendedSlurm(folder / "run", monkeypatch)
    launcher = SlurmLauncher(options_of(folder), "run")
    await launcher.prepare([spec_of()])
    (server,) = await launcher.place()
    return slurm, launcher, server


async def test_a_part_that_ends_by_itself_is_the_one_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slurm, launcher, server = await placed(tmp_path, monkeypatch)
    assert (server.url, server.handle["nodes"]) == ("http://10.0.0.1:18000", "h1,h2")
    assert await launcher.exited(server) is None

    facts = await launcher.facts()
    assert [(node.name, node.hostname) for node in facts] == [("n1", "h1"), ("n2", "h2")]
    steps = [argv for argv in slurm.asked if argv[0] == "srun"]
    assert [step[3:6] for step in steps] == [("--nodes=1", f"--nodelist={name}", "--jobid=70") for name in ("h1", "h2")]

    folder = tmp_path / "run"
    (folder / "n1.log").write_text("the leader's words\n")
    (folder / "n1_1.log").write_text("the follower's words\n")
    assert await launcher.tail(server) == "the leader's words"
    slurm.failed = True
    (folder / "n1_1.exit").write_text("-9\n")
    (folder / "n1.exit").write_text(f"{128 + signal.SIGTERM}\n")  # Slurm ended it
    told = str(await launcher.exited(server))
    assert "job 70: the server failed with exit code 1 (FAILED); its part on h2: killed by SIGKILL" in told
    assert "h1" not in told
    assert await launcher.tail(server) == "the follower's words"
    await launcher.logs(tmp_path / "logs")
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == ["n1.log", "n1_1.log"]


async def test_a_part_that_ends_before_the_leader_tells_its_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slurm = PretendedSlurm(tmp_path / "run", monkeypatch)
    slurm.failed, slurm.tells = True, False
    launcher = SlurmLauncher(options_of(tmp_path), "run")
    await launcher.prepare([spec_of()])
    (tmp_path / "run" / "n1_1.exit").write_text("1\n")
    (tmp_path / "run" / "n1_1.log").write_text("no kernel image\n")
    with pytest.raises(LaunchError) as caught:
        await launcher.place()
    told = "did not start: the server failed with exit code 1 (FAILED); its part on n2: exit code 1\nno kernel image"
    assert told in str(caught.value)


async def test_of_several_parts_that_ended_by_themselves_the_first_is_told_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slurm, launcher, server = await placed(tmp_path, monkeypatch)
    slurm.failed = True
    for name, code, ended_s in (("n1", 1, 20), ("n1_1", 3, 10)):
        path = tmp_path / "run" / f"{name}.exit"
        path.write_text(f"{code}\n")
        os.utime(path, (ended_s, ended_s))
    told = str(await launcher.exited(server))
    assert told.endswith("; its part on h2: exit code 3; its part on h1: exit code 1")
