"""Slurm: the script of a server as bash reads it, and states and reasons in plain words."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from assay.cluster.options import SlurmOptions
from assay.cluster.slurm.batch import Batch
from assay.cluster.slurm.launcher import _count
from assay.cluster.slurm.script import sbatch_script
from assay.cluster.slurm.words import end_in_words, reason_in_words
from assay.serving.servers import ServerSpec


def script(tmp_path: Path, spec: ServerSpec, **options: object) -> str:
    chosen = SlurmOptions.model_validate(
        {"launcher": "slurm", "folder": str(tmp_path), "nodes": [{"name": spec.node}], "python": "python3", **options}
    )
    return sbatch_script(Batch(0, ((0, spec),)), chosen, "run", tmp_path)


def test_the_script_asks_for_what_was_configured(tmp_path: Path) -> None:
    spec = ServerSpec(name="a-0", node="a", argv=("x",), accelerators=(0, 1))
    text = script(
        tmp_path,
        spec,
        partition="gpu",
        account="lab",
        qos="high",
        constraint="h100&nvlink",
        cpus_per_task=8,
        memory="64G",
        exclusive=True,
        extra=["--reservation=night"],
    )
    asked = {line.removeprefix("#SBATCH ") for line in text.splitlines() if line.startswith("#SBATCH")}
    assert asked >= {
        "--job-name=assay-run", "--partition=gpu", "--account=lab", "--qos=high", "--constraint=h100&nvlink",
        "--nodelist=a", "--gres=gpu:2", "--cpus-per-task=8", "--mem=64G", "--exclusive", "--time=02:00:00",
        "--no-requeue", "--reservation=night", "--nodes=1",
    }  # fmt: skip


def test_bash_runs_the_script_with_every_character_intact(tmp_path: Path) -> None:
    """The script itself runs: without Slurm its directives are comments."""
    guard = Path(__file__).parents[3] / "src/assay/cluster/guard.py"
    (tmp_path / "guard.py").write_text(guard.read_text())
    program = "import os,sys; print(sys.argv[1:], os.environ['A'])"
    awkward = 'it\'s $HOME "{port}" `id` \\'
    spec = ServerSpec(name="s", node="a", argv=("{python}", "-c", program, awkward, "{host}"), env={"A": "0,1 'x' $y"})
    path = tmp_path / "s.sh"
    path.write_text(script(tmp_path, spec, setup=["export B=1"]))
    done = subprocess.run(["bash", str(path)], capture_output=True, text=True, timeout=20)
    node, port = (tmp_path / "s.address").read_text().split()
    assert done.stdout.strip() == f"{[awkward.replace('{port}', port), '0.0.0.0']} 0,1 'x' $y"
    assert node
    assert (tmp_path / "s.exit").read_text() == "0\n"


@pytest.mark.parametrize(
    ("state", "code", "words"),
    [
        ("NODE_FAIL", "0:0", "its node failed (Slurm lost contact with it) (NODE_FAIL)"),
        ("TIMEOUT", "0:0", "it reached cluster.time_limit (TIMEOUT)"),
        ("CANCELLED by 0", "0:0", "somebody cancelled the job (CANCELLED)"),
        ("FAILED", "9:0", "the server failed with exit code 9 (FAILED)"),
        ("FAILED", "0:11", "the server failed with exit code 0, signal 11 (FAILED)"),
        ("OUT_OF_ME+", "0:125", "Slurm says: OUT_OF_ME+ (OUT_OF_ME)"),
    ],
)
def test_ends(state: str, code: str, words: str) -> None:
    assert end_in_words(state, code) == words


def test_reasons() -> None:
    assert reason_in_words("Resources") == "waiting for free nodes (Resources)"
    assert reason_in_words("ReqNodeNotAvail, UnavailableNodes:a").startswith("a node asked for by name is down")
    assert reason_in_words("SomethingNew") == "Slurm says: SomethingNew"


@pytest.mark.parametrize(
    ("gres", "count"), [("gpu:h100:4(S:0-1),nic:2", 4), ("gpu:2", 2), ("(null)", 0), ("gpu:a:1,gpu:b:2", 3)]
)
def test_accelerators_are_counted_in_gres(gres: str, count: int) -> None:
    assert _count(gres, "gpu") == count
