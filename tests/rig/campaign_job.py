"""A campaign's Job on the rig: results lie on the disk of node2, and hosts lend the image this machine's packages."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import yaml
from tests.rig import kubernetes as rig
from tests.rig.hosts import REPOSITORY, Hosts
from tests.small_campaigns import write_campaign

from assay.config import Config, config_of

DEADLINE_S = 500
NODE = 2
# A hostPath, since the rig has no provisioner.
VOLUME = """\
apiVersion: v1
kind: PersistentVolume
metadata: {name: assay-results}
spec:
  accessModes: [ReadWriteOnce]
  capacity: {storage: 10Gi}
  hostPath: {path: /results}
  nodeAffinity:
    required:
      nodeSelectorTerms:
        - matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [node2]}]
"""


def results_volume(hosts: Hosts) -> None:
    """A volume with data for a campaign, which any user may write to: Kubernetes gives a hostPath to nobody."""
    write_campaign(hosts.shared / "data")
    hosts.run(NODE, "sh", "-c", f"mkdir -m 777 /results && cp -r {hosts.shared}/data /results/data")
    manifest = hosts.folder / "volume.yaml"
    manifest.write_text(VOLUME)
    rig.kubectl(hosts, "apply", "-f", str(manifest))


def campaign(cluster: Mapping[str, Any], *loads: dict[str, Any]) -> Config:
    """A small one, of data on the volume."""
    settings = {
        "benchmark": "own-prompts",
        "campaign": {"kind": "bench", "loads": list(loads)},
        "dataset": {"path": "/results/data/prompts.jsonl"},
        "tokenizer": "/results/data/tokenizer",
        "engine": {"kind": "simulated", "ttft_ms": 1, "itl_ms": 1, "output_tokens": 4},
        "load": {"warmup_prompts": 1},
        "cluster": dict(cluster),
    }
    return config_of(settings, "here")


def lent(files: Mapping[str, str]) -> dict[str, str]:
    """The exported files, with a Job whose pod finds packages, and this Assay, where they are here."""
    job = yaml.safe_load(files["assay-job.yaml"])
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    # Folders whose files any user may read; those above may be root's alone.
    for number, folder in enumerate((sys.prefix, f"{REPOSITORY}/src")):
        pod["volumes"].append({"name": f"lent-{number}", "hostPath": {"path": folder}})
        container["volumeMounts"].append({"name": f"lent-{number}", "mountPath": folder, "readOnly": True})
    search = {"PATH": f"{sys.prefix}/bin:/usr/bin:/bin", "PYTHONPATH": f"{REPOSITORY}/src"}
    container["env"] += [{"name": name, "value": value} for name, value in search.items()]
    return {**files, "assay-job.yaml": yaml.safe_dump(job)}


def everything(hosts: Hosts) -> set[str]:
    """What is in the namespace and stays until it is taken away."""
    kinds = (
        "jobs,pods,statefulsets,services,secrets,configmaps,serviceaccounts,roles,rolebindings,networkpolicies,"
        "persistentvolumeclaims"
    )
    names = rig.kubectl(hosts, "get", kinds, "-o", "name").split()
    return {name for name in names if "-token-" not in name}  # of accounts; they go after them


def runs_of(hosts: Hosts, uid: str) -> list[dict[str, Any]]:
    """The runs of the campaign that a Job began, as `campaign.json` has them; none before."""
    text = hosts.run(NODE, "sh", "-c", f"cat /results/{uid}/*/campaign.json", check=False)
    runs: list[dict[str, Any]] = json.loads(text)["runs"] if text else []
    return runs


def wait_until(true: Callable[[], object], told: Callable[[], str]) -> None:
    """Look again and again; `told` says how things stand where it never comes true."""
    deadline = time.monotonic() + DEADLINE_S
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError(told())
        time.sleep(0.5)


def how_it_stands(hosts: Hosts) -> str:
    pods = rig.kubectl(hosts, "describe", "job,pods", check=False)
    return pods + rig.kubectl(hosts, "logs", "--tail=40", "-l", "app.kubernetes.io/name=assay-controller", check=False)
