"""Exported files: manifests that current Kubernetes accepts, scripts that bash accepts."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from pydantic import TypeAdapter

from assay.cluster.options import ClusterOptions
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
        kind, ENGINE.validate_python(engine or VLLM), CLUSTER.validate_python(cluster), "config: text\n"
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
        ("monitor_benchmarks.sh", "once", ["asked: runs"]),
    ):
        command = [str(tmp_path / script), argument]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=20)
        assert [line for line in done.stdout.splitlines() if line.startswith("asked")] == lines
