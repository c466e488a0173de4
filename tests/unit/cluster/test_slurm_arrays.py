"""A thousand servers as one array of jobs, asked for and looked at as a whole. Slurm's commands are stood in for."""

from __future__ import annotations

import asyncio
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.cluster.launcher import LaunchError
from assay.cluster.options import SlurmOptions
from assay.cluster.slurm import SlurmLauncher, commands
from assay.cluster.slurm.batch import LONGEST, batches
from assay.cluster.slurm.export import export_files
from assay.cluster.slurm.script import sbatch_script
from assay.serving.servers import ServerSpec


def options_of(folder: Path, **changes: Any) -> SlurmOptions:
    chosen = {"launcher": "slurm", "nodes": [{"name": "n"}], "folder": str(folder), "python": "python3", "pin": False}
    return SlurmOptions.model_validate({**chosen, **changes})


def specs_of(count: int, **changes: Any) -> list[ServerSpec]:
    return [
        ServerSpec(**{"name": f"n{i}", "node": f"n{i}", "argv": ("{python}", "-c", "pass"), **changes})
        for i in range(count)
    ]


class PretendedSlurm:
    """One array whose jobs start at the second look at the queue, but for those in `fail`."""

    def __init__(self, folder: Path, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.count = folder, count
        self.asked: Counter[str] = Counter()
        self.fail: set[int] = set()
        self.reason = "Priority"
        self.down = False
        monkeypatch.setattr(commands, "run", self.run)
        monkeypatch.setattr("assay.cluster.slurm.launcher.POLL_S", 0)

    async def run(self, *argv: str, stdin: bytes | None = None) -> str:
        self.asked[argv[0] if argv[0] != "scontrol" else f"scontrol {argv[3]}"] += 1
        told: dict[str, Callable[[], str]] = {
            "sinfo": lambda: "slurm 22.05",
            "sbatch": lambda: "70;cluster",
            "squeue": self.queue,
            "scancel": lambda: "",
            "scontrol": lambda: self.addresses(argv[4]) if argv[3] == "node" else self.memory(argv[4]),
        }
        return told[argv[0]]()

    def queue(self) -> str:
        if self.down:
            raise LaunchError("squeue: Unable to contact slurm controller")
        if self.asked["squeue"] == 1:
            return "".join(f"70_{i}|PENDING||{self.reason}\n" for i in range(self.count))
        running = [i for i in range(self.count) if i not in self.fail]
        for i in running:
            (self.folder / f"n{i}.address").write_text(f"host{i} {18000 + i} {100 + i}\n")
        return "".join(f"70_{i}|RUNNING|host{i}|None\n" for i in running)

    def memory(self, job: str) -> str:
        return f"JobId={job} JobState=FAILED Reason=NonZeroExitCode ExitCode=9:0"

    def addresses(self, nodes: str) -> str:
        return "".join(f"NodeName={node} Arch=x NodeAddr=10.0.0.{node[4:]} Port=1\n" for node in nodes.split(","))


async def test_a_thousand_servers_are_one_array_and_one_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slurm = PretendedSlurm(tmp_path / "many", 1000, monkeypatch)
    launcher = SlurmLauncher(options_of(tmp_path), "many")
    await launcher.prepare(specs_of(1000))
    servers = await launcher.place()
    assert [server.spec.name for server in servers] == [f"n{i}" for i in range(1000)]
    assert servers[999].url == "http://10.0.0.999:18999"
    assert servers[999].handle == {"job": "70_999", "node": "host999", "own_job": "1099"}
    assert (tmp_path / "many" / "array_0.sh").exists()
    assert slurm.asked == {"sinfo": 1, "sbatch": 1, "squeue": 2, "scontrol node": 1}
    ended = await asyncio.gather(*map(launcher.exited, servers))
    assert set(ended) == {None}
    assert slurm.asked["squeue"] == 3
    slurm.down = True
    assert await launcher.exited(servers[0]) is None, "slurmctld rests; the server may be well"


async def test_jobs_that_do_not_start_are_told_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slurm = PretendedSlurm(tmp_path / "some", 100, monkeypatch)
    launcher = SlurmLauncher(options_of(tmp_path), "some")
    slurm.fail = {7, 50, 99}
    await launcher.prepare(specs_of(100))
    (tmp_path / "some" / "array_0_7.log").write_text("no such module\n")
    with pytest.raises(LaunchError) as raised:
        await launcher.place()
    first, *told = str(raised.value).splitlines()
    assert first == "3 of 100 failed:"
    assert told == [
        "job 70_7 of server n7 did not start: the server failed with exit code 9 (FAILED)",
        "no such module",
        "job 70_50 of server n50 did not start: the server failed with exit code 9 (FAILED)",
        "job 70_99 of server n99 did not start: the server failed with exit code 9 (FAILED)",
    ]
    assert slurm.asked["scontrol job"] == 3


async def test_a_queue_that_will_never_move_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slurm = PretendedSlurm(tmp_path / "held", 2, monkeypatch)
    launcher = SlurmLauncher(options_of(tmp_path), "held")
    slurm.reason = "BadConstraints"
    await launcher.prepare(specs_of(2))
    with pytest.raises(LaunchError, match="2 of 2 failed:\njob 70_0 of server n0 waits for its turn: no node can"):
        await launcher.place()


def test_only_what_is_alike_is_one_array(tmp_path: Path) -> None:
    specs = [*specs_of(2), *specs_of(2, argv=("other",)), *specs_of(1, accelerators=(0, 1))]
    shared = batches(specs, options_of(tmp_path))
    assert [[number for number, _ in batch.servers] for batch in shared] == [[0, 1], [2, 3], [4]]
    pinned = batches(specs, options_of(tmp_path, pin=True))
    assert [len(batch.servers) for batch in pinned] == [1] * 5
    many = batches(specs_of(2 * LONGEST + 1), options_of(tmp_path))
    assert [len(batch.servers) for batch in many] == [LONGEST, LONGEST, 1]


def test_each_job_of_an_array_is_its_own_server(tmp_path: Path) -> None:
    """The script itself runs: without Slurm its directives are comments."""
    guard = Path(__file__).parents[3] / "src/assay/cluster/guard.py"
    (tmp_path / "guard.py").write_text(guard.read_text())
    argv = ("{python}", "-c", "import sys; print(sys.argv[1:])", "{port}")
    chosen = options_of(tmp_path, port_base=21000)
    (_, batch) = batches([*specs_of(1, argv=("x",)), *specs_of(3, argv=argv)], chosen)
    text = sbatch_script(batch, chosen, "run", tmp_path)
    assert "#SBATCH --array=0-2\n" in text
    assert f"#SBATCH --output={tmp_path}/array_1_%a.log\n" in text
    path = tmp_path / batch.script
    path.write_text(text)
    environment = {"PATH": "/usr/bin:/bin", "SLURM_ARRAY_TASK_ID": "1", "SLURM_JOB_ID": "71", "SLURMD_NODENAME": "h"}
    done = subprocess.run(["bash", str(path)], capture_output=True, text=True, timeout=20, env=environment, check=True)
    node, port, job = (tmp_path / "n1.address").read_text().split()
    assert (node, job) == ("h", "71")
    assert 21040 <= int(port) < 21060
    assert done.stdout.strip() == f"['{port}']"
    assert (tmp_path / "n1.exit").read_text() == "0\n"
    assert not (tmp_path / "n0.address").exists()


def test_an_exported_array_says_where_its_output_goes(tmp_path: Path) -> None:
    files = export_files(specs_of(3), options_of(tmp_path), "export")
    assert sorted(files) == ["README.txt", "array_0.sh", "guard.py"]
    assert f"sbatch {tmp_path}/export/array_0.sh" in files["README.txt"]
    assert "NAME.log (array_0_INDEX.log where it is one of an array)." in files["README.txt"]
