"""Exported files: manifests that current Kubernetes accepts, scripts that bash accepts."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from click.testing import CliRunner
from pydantic import TypeAdapter

from assay.cluster.options import ClusterOptions
from assay.commands.main import main
from assay.deploy.export import export_files, write_files
from assay.engines import EngineOptions
from assay.errors import UserError

CLUSTER: TypeAdapter[Any] = TypeAdapter(ClusterOptions)
ENGINE: TypeAdapter[Any] = TypeAdapter(EngineOptions)
VLLM = {"kind": "vllm", "model": "/models/llama", "tensor_parallel": 4, "pass_env": ["HF_TOKEN"]}
PODS = {
    "launcher": "kubernetes",
    "replicas": 2,
    "accelerators": 4,
    "image": "vllm/vllm-openai:v0.11.0",
    "namespace": "bench",
    "image_pull_secrets": ["registry"],
    "node_selector": {"nvidia.com/gpu.product": "NVIDIA-H200"},
    "tolerations": [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}],
    "memory": "200Gi",
    "cpu": "16",
    "model_volume": {"claim": "models"},
}
SLURM = {"launcher": "slurm", "folder": "/shared/assay", "nodes": [{"name": "a", "accelerators": 8}, {"name": "b"}]}


def export(kind: Any, cluster: dict[str, Any], engine: dict[str, Any] | None = None) -> dict[str, str]:
    return export_files(
        kind,
        ENGINE.validate_python(engine or VLLM),
        CLUSTER.validate_python(cluster),
        "config: text\n",
        Path("my results"),
    )


@pytest.mark.parametrize("version", ["1.29", kubernetes_validate.latest_version()])
def test_manifests_are_valid_at_current_versions(version: str) -> None:
    files = export("k8s", PODS)
    objects = [item for text in files.values() for item in yaml.safe_load_all(text)]
    assert [item["kind"] for item in objects] == ["Service", "StatefulSet", "Role"]
    for item in objects:
        kubernetes_validate.validate(item, version, strict=True)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**objects[1], "spek": {}}, version, strict=True)


def test_manifests_hold_what_was_configured() -> None:
    (text, _) = export("k8s", PODS).values()
    _, workload = yaml.safe_load_all(text)
    pod = workload["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["resources"]["limits"] == {"memory": "200Gi", "nvidia.com/gpu": "4"}
    assert container["envFrom"] == [{"secretRef": {"name": "assay-export"}}]
    assert container["command"][:3] == ["python3", "-m", "vllm.entrypoints.openai.api_server"]
    assert container["command"][container["command"].index("--port") + 1] == "8000"
    assert container["readinessProbe"]["httpGet"] == {"path": "/health", "port": 8000}
    assert {volume["name"]: volume.get("emptyDir", {}).get("medium") for volume in pod["volumes"]} == {
        "shm": "Memory",
        "model": None,
    }
    assert pod["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert pod["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    assert pod["imagePullSecrets"] == [{"name": "registry"}]
    assert "--from-literal=HF_TOKEN=..." in text


def test_one_model_over_several_pods_is_a_leader_worker_set() -> None:
    text, role = export("k8s", {**PODS, "pods_per_server": 2}, {**VLLM, "tensor_parallel": 8}).values()
    service, workload = yaml.safe_load_all(text)
    template = workload["spec"]["leaderWorkerTemplate"]
    leader, worker = (template[kind]["spec"]["containers"][0] for kind in ("leaderTemplate", "workerTemplate"))
    assert (workload["kind"], workload["spec"]["replicas"], template["size"]) == ("LeaderWorkerSet", 2, 2)
    assert "$(LWS_LEADER_ADDRESS)" in leader["command"]
    module, *arguments = leader["command"][2:]
    assert module == "vllm.entrypoints.openai.api_server"
    assert worker["command"][2:] == ["vllm.entrypoints.cli.main", "serve", *arguments, "--headless"]
    assert service["metadata"]["name"] == workload["metadata"]["name"]
    assert service["spec"]["publishNotReadyAddresses"], "workers must find a leader that waits for them"
    assert "readinessProbe" not in worker
    rules = yaml.safe_load(role)["rules"]
    assert rules[0]["apiGroups"] == ["leaderworkerset.x-k8s.io"]
    assert "statefulsets" not in role


@pytest.mark.parametrize(
    ("kind", "cluster", "engine", "message"),
    [
        ("k8s", {"launcher": "local"}, None, "export k8s needs"),
        ("slurm", {"launcher": "local"}, None, "export slurm needs"),
        ("k8s", {**PODS, "accelerators": 8}, None, "4 servers for 2 pods: a pod holds one server"),
        ("k8s", PODS, {"kind": "simulated", "speeds": {"pod-1": 2}}, "the pods of a StatefulSet are equal"),
        ("k8s", {**PODS, "pods_per_server": 2}, {"kind": "simulated"}, "only the vllm engine spreads one model"),
        ("k8s", PODS, {"kind": "external", "model": "m", "endpoints": [{"url": "http://h:1"}]}, "nothing to export"),
    ],
)
def test_what_does_not_fit_is_told(kind: str, cluster: dict[str, Any], engine: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        export(kind, cluster, engine)


def bash_accepts(text: str) -> bool:
    return subprocess.run(["bash", "-n"], input=text, text=True).returncode == 0


def test_sbatch_scripts() -> None:
    files = export("slurm", SLURM, {**VLLM, "pass_env": []})
    assert sorted(files) == ["README.txt", "a-0.sh", "a-1.sh", "b.sh", "guard.py"]
    assert "#SBATCH --gres=gpu:4" in files["a-1.sh"]
    assert all(bash_accepts(text) for name, text in files.items() if name.endswith(".sh"))


@pytest.mark.parametrize(
    ("cluster", "line"),
    [
        ({"launcher": "local"}, "nvidia-smi --query-gpu"),
        ({"launcher": "ssh", "nodes": [{"name": "a", "jump": "j"}], "user": "u"}, "-J j -- u@a"),
        (SLURM, "squeue --me"),
        (PODS, "kubectl -n bench get pods -l assay/run"),
        ({"launcher": "docker", "image": "i"}, "docker ps --filter label=assay.run"),
    ],
)
def test_plain_scripts(tmp_path: Path, cluster: dict[str, Any], line: str) -> None:
    written = write_files(export("scripts", cluster), tmp_path)
    assert {path.name for path in written} == {"assay.yaml", "run_benchmarks.sh", "monitor_benchmarks.sh"}
    assert line in (tmp_path / "monitor_benchmarks.sh").read_text()
    assert all(
        bash_accepts(path.read_text()) and path.stat().st_mode & 0o111 for path in written if path.suffix == ".sh"
    )
    with pytest.raises(UserError, match="exists already"):
        write_files(export("scripts", cluster), tmp_path)


def test_plain_scripts_run(tmp_path: Path) -> None:
    """With a stand-in for assay that tells what it was asked."""
    write_files(export("scripts", {"launcher": "local"}), tmp_path)
    tool = tmp_path / "tool"
    tool.write_text('#!/bin/sh\necho "asked: $*"\n')
    tool.chmod(0o755)
    environment = {"ASSAY": str(tool), "PATH": "/usr/bin:/bin"}
    for script, argument, lines in (
        ("run_benchmarks.sh", "--plan", ["asked: check assay.yaml", "asked: run assay.yaml --plan"]),
        ("monitor_benchmarks.sh", "once", ["asked: watch --once --output my results"]),
    ):
        command = [str(tmp_path / script), argument]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=20)
        assert [line for line in done.stdout.splitlines() if line.startswith("asked")] == lines


CONFIGURATION = """\
# Ours: don't change without asking $(touch canary) `touch canary`
currency: EUR   # of the site
cluster: {launcher: local}
"""
OVERRIDE = "currency=$(touch c)'\""


def told(command: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """In an environment that holds nothing else."""
    return subprocess.run(
        command, cwd=folder, env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True, text=True, check=False, timeout=20,
    )  # fmt: skip


def exported(folder: Path) -> Path:
    """The plain scripts of a configuration with comments and a setting of the command line."""
    (folder / "site.yaml").write_text(CONFIGURATION)
    words = ["export", "scripts", str(folder / "site.yaml"), "--set", OVERRIDE, "--output", str(folder / "out")]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    return folder / "out"


def test_plain_scripts_keep_the_users_comments_and_what_was_set_besides(tmp_path: Path) -> None:
    folder = exported(tmp_path)
    assert (folder / "assay.yaml").read_text() == CONFIGURATION
    tool = tmp_path / "tool"
    tool.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    tool.chmod(0o755)
    done = told(["./run_benchmarks.sh", "--plan"], folder, ASSAY=str(tool))
    given = ["assay.yaml", "--set", OVERRIDE]
    assert done.stdout.splitlines() == ["check", *given, "run", *given, "--plan"]
    assert not [path for path in tmp_path.rglob("c*") if path.name in ("c", "canary")]


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="needs shellcheck")
def test_shellcheck_finds_nothing_in_plain_scripts_with_settings(tmp_path: Path) -> None:
    scripts = sorted(exported(tmp_path).glob("*.sh"))
    assert len(scripts) == 2
    subprocess.run(["shellcheck", "--severity=style", *scripts], check=True)


def test_on_a_host_without_assay_the_script_says_what_installs_it(tmp_path: Path) -> None:
    done = told(["./run_benchmarks.sh"], exported(tmp_path), ASSAY="no-assay-here")
    assert (done.returncode, done.stdout) == (127, "")
    assert done.stderr == (
        "no no-assay-here here: install a bundle (`assay bundle` makes one elsewhere), or set ASSAY to where it is\n"
    )


def run_monitor(folder: Path, *, once: bool = True, **programs: str) -> subprocess.CompletedProcess[str]:
    """`monitor_benchmarks.sh` with these programs, each a script, beside what any system has; without an assay."""
    tools = folder / "tools"
    tools.mkdir(exist_ok=True)
    for name, text in {"nvidia-smi": "true", **programs}.items():
        (tools / name).write_text(f"#!/bin/sh\n{text}\n")
        (tools / name).chmod(0o755)
    return subprocess.run(
        [str(folder / "monitor_benchmarks.sh"), *(["once"] if once else [])],
        env={"PATH": f"{tools}:/usr/bin:/bin", "HOME": str(folder / "the home"), "ASSAY": "no-assay-here"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def with_a_run(folder: Path) -> Path:
    """Where the monitor looks for campaigns, there is one with two runs; the folder of the second."""
    for run in ("20260101T000000Z-first", "20260101T010000Z-second"):
        path = folder / "my results" / "20260101T000000Z-single" / "runs" / run
        path.mkdir(parents=True)
        line = f'{{"phase":"load","issued":100,"completed":{len(run)},"endpoints":{{"node-a":{{"out":false}}}}}}'
        (path / "progress.jsonl").write_text(f"{{}}\n{line}\n")
    return path


def test_the_monitor_reads_the_files_where_there_is_no_assay(tmp_path: Path) -> None:
    write_files(export("scripts", {"launcher": "local"}), tmp_path)
    nothing = run_monitor(tmp_path)
    assert (nothing.returncode, nothing.stderr) == (1, "no run in my results\n")
    run = with_a_run(tmp_path)
    (run / "alerts.jsonl").write_text('{"words":"The disk is nearly full."}\n')
    (run / "driver.log").write_text("the last line\n")
    seen = run_monitor(tmp_path)
    assert (seen.returncode, seen.stderr) == (0, "")
    assert "20260101T010000Z-second" in seen.stdout
    assert '{"phase":"load","issued":100,"completed":23\n' in seen.stdout
    assert "The disk is nearly full." in seen.stdout
    assert seen.stdout.endswith("the last line\n")
    (run / "progress.jsonl").unlink()
    assert run_monitor(tmp_path).returncode == 1


def test_the_monitor_says_by_its_exit_code_what_it_could_not_see(tmp_path: Path) -> None:
    nodes = [{"name": "a"}, {"name": "b"}, {"name": "c"}]
    write_files(export("scripts", {"launcher": "ssh", "nodes": nodes}), tmp_path)
    with_a_run(tmp_path)
    assert run_monitor(tmp_path, ssh="exit 0").returncode == 0
    seen = run_monitor(tmp_path, ssh='case "$*" in *"-- b "*) echo refused >&2; exit 255;; esac; echo "saw $#"')
    assert seen.returncode == 1
    assert seen.stderr == "refused\n"
    assert seen.stdout.count("saw ") == 2, "the others are seen all the same"
    assert "second" in seen.stdout


def test_the_monitor_ends_where_its_pause_is_no_number(tmp_path: Path) -> None:
    write_files(export("scripts", {"launcher": "local"}), tmp_path)
    seen = run_monitor(tmp_path, once=False, sleep="exit 1")
    assert seen.returncode == 1


@pytest.mark.skipif(shutil.which("ssh") is None, reason="needs OpenSSH's client")
def test_the_monitor_reaches_nodes_by_the_same_ssh_configuration_as_assay(tmp_path: Path) -> None:
    """As OpenSSH itself reads what the script gives it: `ssh -G` prints what it would do."""
    cluster = {
        "launcher": "ssh", "nodes": [{"name": "a", "address": "alias"}], "config_file": "~/my config",
        "key_file": "~/keys/100% mine", "known_hosts": "~/known hosts", "connect_timeout_s": 7.5,
    }  # fmt: skip
    write_files(export("scripts", cluster), tmp_path)
    with_a_run(tmp_path)
    home = tmp_path / "the home"
    home.mkdir()
    (home / "my config").write_text("Host alias\n  HostName real.site\n  User someone\n  Port 2222\n")
    seen = run_monitor(tmp_path, ssh=f'exec {shutil.which("ssh")} -G "$@"')
    assert (seen.returncode, seen.stderr) == (0, "")
    told = dict(line.split(" ", 1) for line in seen.stdout.splitlines() if " " in line)
    known = {"hostname": "real.site", "user": "someone", "port": "2222", "connecttimeout": "8", "batchmode": "yes"}
    assert known.items() <= told.items()
    assert told["stricthostkeychecking"] in ("true", "yes")
    assert told["identityfile"].startswith("~/keys/100%")  # OpenSSH replaces ~ and %% as it reads the file
    assert "known hosts" in told["userknownhostsfile"]
