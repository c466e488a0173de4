"""A campaign exported as a Kubernetes Job: what current Kubernetes accepts, and a pod can do without its user."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from click.testing import CliRunner

from assay.cluster.kubernetes.job import PROGRAM
from assay.commands.main import main
from assay.config import Config, config_of, load_config
from assay.deploy.export import job_files, write_files
from assay.errors import UserError

REPOSITORY = Path(__file__).resolve().parents[3]
IMAGE = "registry.example/assay:1"
CLUSTER = {
    "launcher": "kubernetes",
    "namespace": "bench",
    "image": "vllm/vllm-openai:v0.11.0",
    "accelerators": 1,
    "kubeconfig": "/home/someone/.kube/config",
    "context": "mine",
    "image_pull_secrets": ["registry"],
    "model_volume": {"claim": "models"},
}
VLLM = {"kind": "vllm", "model": "/models/llama", "pass_env": ["HF_TOKEN"]}


def config(**sections: Any) -> Config:
    return config_of({"engine": VLLM, "cluster": CLUSTER, "tokenizer": "/models/llama", **sections}, "here")


def objects(files: dict[str, str]) -> dict[str, dict[str, Any]]:
    """By kind; of the deployment that stands in the same files, what the Job itself makes."""
    found = [item for name, text in files.items() if name != "assay-servers.yaml" for item in yaml.safe_load_all(text)]
    assert len({item["kind"] for item in found}) == len(found)
    return {item["kind"]: item for item in found}


@pytest.mark.parametrize("version", ["1.29", kubernetes_validate.latest_version()])
def test_all_of_it_is_valid_at_current_versions(version: str) -> None:
    found = objects(job_files(config(), IMAGE))
    found.pop("Kustomization")  # no object of Kubernetes
    assert sorted(found) == [
        "ConfigMap", "Job", "NetworkPolicy", "PersistentVolumeClaim", "Pod", "Role", "RoleBinding", "ServiceAccount",
    ]  # fmt: skip
    for item in found.values():
        kubernetes_validate.validate(item, version, strict=True)
        assert item["metadata"]["namespace"] == "bench"


def test_what_kustomize_applies_leaves_the_results_alone(tmp_path: Path) -> None:
    """`kubectl delete -k` must not take them away."""
    files = job_files(config(), IMAGE)
    named = yaml.safe_load(files["kustomization.yaml"])["resources"]
    assert set(files) - set(named) == {
        "kustomization.yaml", "assay-servers.yaml", "assay-results.yaml", "assay-collect.yaml",
    }  # fmt: skip
    if shutil.which("kubectl") is None:
        pytest.skip("the rest needs kubectl")
    write_files(files, tmp_path / "campaign")
    applied = {item["kind"]: item for name in named for item in yaml.safe_load_all(files[name])}
    assert built(tmp_path / "campaign") == applied


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="needs kubectl")
def test_it_is_the_base_of_the_overlay_in_the_documentation(tmp_path: Path) -> None:
    told = subprocess.run(["kubectl", "version", "--client", "--output=json"], capture_output=True, text=True)
    if "kustomizeVersion" not in told.stdout:
        pytest.skip("needs a kubectl with kustomize 4 or later")
    page = (REPOSITORY / "docs/kubernetes.md").read_text()
    (text,) = re.findall(r"```\n# overlay/kustomization.yaml\n(.*?)```", page, re.DOTALL)
    write_files({"campaign/" + name: text for name, text in job_files(config(), IMAGE).items()}, tmp_path)
    write_files({"kustomization.yaml": text}, tmp_path / "overlay")
    (container,) = built(tmp_path / "overlay")["Job"]["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["requests"] == {"cpu": "16", "memory": "1Gi"}


def built(folder: Path) -> dict[str, dict[str, Any]]:
    """What kustomize makes of a folder, by kind."""
    done = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True, check=True, timeout=60)
    return {item["kind"]: item for item in yaml.safe_load_all(done.stdout)}


def test_the_configuration_goes_along_with_what_was_set_besides_for_the_pods_own_account(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text(yaml.safe_dump({"engine": VLLM, "cluster": CLUSTER, "tokenizer": "/models/x"}))
    words = ["export", "k8s", str(tmp_path / "site.yaml"), "--set", "name=other", "--controller", IMAGE]
    done = CliRunner().invoke(main, [*words, "--output", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    inside = tmp_path / "inside.yaml"
    inside.write_text(yaml.safe_load((tmp_path / "out/assay-config.yaml").read_text())["data"]["assay.yaml"])
    taken = load_config(inside)
    cluster = {**CLUSTER, "kubeconfig": None, "context": None}
    assert taken == config(name="other", cluster=cluster, tokenizer="/models/x", output="/results")


def test_without_a_controller_only_the_servers_and_the_role_are_written(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text(yaml.safe_dump({"engine": VLLM, "cluster": CLUSTER, "tokenizer": "here"}))
    done = CliRunner().invoke(main, ["export", "k8s", str(tmp_path / "site.yaml"), "--output", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"assay-servers.yaml", "assay-role.yaml"}


def test_secrets_come_from_a_secret_and_stand_in_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_hidden")
    monkeypatch.setenv("HOOK", "https://hidden.example")
    files = job_files(config(alerts={"webhook": {"env": "HOOK"}}), IMAGE)
    assert not [name for name, text in files.items() if "hidden" in text]
    (container,) = objects(files)["Job"]["spec"]["template"]["spec"]["containers"]
    from_secret = {item["name"]: item["valueFrom"]["secretKeyRef"] for item in container["env"][3:]}
    assert from_secret == {name: {"name": "assay-keys", "key": name} for name in ("HF_TOKEN", "HOOK")}
    first = "# First: kubectl -n bench create secret generic assay-keys --from-literal=HF_TOKEN=... "
    assert files["assay-job.yaml"].startswith(first)


def test_the_pods_are_no_root_and_the_account_has_the_launchers_rights_in_one_namespace() -> None:
    found = objects(job_files(config(), IMAGE))
    for pod in (found["Job"]["spec"]["template"]["spec"], found["Pod"]["spec"]):
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["imagePullSecrets"] == [{"name": "registry"}]
        (container,) = pod["containers"]
        assert container["image"] == IMAGE
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert found["Job"]["spec"]["template"]["spec"]["serviceAccountName"] == found["ServiceAccount"]["metadata"]["name"]
    assert found["Pod"]["spec"]["automountServiceAccountToken"] is False
    assert found["RoleBinding"]["roleRef"]["kind"] == found["Role"]["kind"] == "Role"  # none of the whole cluster
    assert found["RoleBinding"]["roleRef"]["name"] == found["Role"]["metadata"]["name"]
    assert found["RoleBinding"]["subjects"][0]["name"] == found["ServiceAccount"]["metadata"]["name"]
    assert not [rule for rule in found["Role"]["rules"] if "*" in rule["verbs"] + rule["resources"]]


@pytest.mark.parametrize("together", [1, 2])
def test_only_the_controller_reaches_the_servers_and_those_of_one_model_each_other(together: int) -> None:
    engine = {**VLLM, "tensor_parallel": together}
    cluster = {**CLUSTER, "pods_per_server": together, "port": 9000}
    files = job_files(config(engine=engine, cluster=cluster), IMAGE)
    policy = objects(files)["NetworkPolicy"]["spec"]
    _, workload = yaml.safe_load_all(files["assay-servers.yaml"])
    template = workload["spec"].get("template") or workload["spec"]["leaderWorkerTemplate"]["leaderTemplate"]
    assert policy["podSelector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    controller, *others = policy["ingress"]
    pod = objects(files)["Job"]["spec"]["template"]["metadata"]["labels"]
    assert controller["from"] == [{"podSelector": {"matchLabels": pod}}]
    assert controller["ports"] == [{"port": 9000, "protocol": "TCP"}]
    assert others == ([{"from": [{"podSelector": policy["podSelector"]}]}] if together > 1 else [])


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"dataset": {"path": "/data/cnn.json"}}, "dataset.path: /data/cnn.json\n"),
        ({"dataset": {"path": "/models/../data/cnn.json"}}, "dataset.path: /models/../data/cnn.json\n"),
        ({"tokenizer": "/modelsx"}, "tokenizer: /modelsx\n"),
        ({"benchmark": "/own.yaml", "loadgen": {"user_conf": "/u"}}, "benchmark: /own.yaml\nloadgen.user_conf: /u\n"),
        ({"alerts": {"webhook": {"file": "/hook"}}}, "alerts.webhook.file: /hook\n"),
        ({"cluster": {**CLUSTER, "model_volume": None}, "tokenizer": "/m"}, "put it below /results (the claim"),
        ({"cluster": {"launcher": "local"}}, "export k8s needs `cluster: {launcher: kubernetes}`"),
    ],
)
def test_what_a_pod_can_not_see_is_told(sections: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError) as refused:
        job_files(config(**sections), IMAGE)
    assert words in str(refused.value)


def test_files_on_the_pods_volumes_are_taken() -> None:
    chosen = {"dataset": {"path": "/models/cnn.json"}, "loadgen": {"user_conf": "/results/data/user.conf"}}
    assert job_files(config(**chosen), IMAGE)


@pytest.mark.parametrize("image", ["", "two words", "a\nb"])
def test_an_image_is_one_word(image: str) -> None:
    with pytest.raises(UserError, match="--controller"):
        job_files(config(), image)


def test_a_pod_that_follows_another_of_the_same_job_goes_on_with_its_campaign(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "assay").write_text('#!/bin/sh\necho "$@"\n')
    (tools / "assay").chmod(0o755)

    def asked(uid: str) -> str:
        environment = {"PATH": f"{tools}:{os.environ['PATH']}", "ASSAY_JOB_UID": uid}
        command = ["sh", "-c", PROGRAM]
        return subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout.strip()

    first = "run /etc/assay/assay.yaml --output one"
    assert asked("one") == first
    (tmp_path / "one/20260101T000000Z-single").mkdir(parents=True)
    assert asked("one") == first, "nothing was measured yet"
    (tmp_path / "one/20260101T000000Z-single/campaign.json").touch()
    assert asked("one") == f"{first} --resume"
    assert asked("two") == first.replace("one", "two")
    with pytest.raises(subprocess.CalledProcessError):
        asked("")
