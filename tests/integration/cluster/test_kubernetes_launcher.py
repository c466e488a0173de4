"""Pods of a real Kubernetes 1.20 with two workers and fake GPUs."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.control import get_json
from tests.orphans import leave_servers_behind
from tests.rig import campaign_job as job
from tests.rig import image
from tests.rig import kubernetes as rig
from tests.rig.hosts import PODS, Hosts, call

from assay.cluster import LaunchError
from assay.cluster.kubernetes import KubernetesLauncher
from assay.cluster.options import KubernetesOptions
from assay.deploy import Deployment, stop_deployment
from assay.deploy.check import check_cluster
from assay.deploy.export import export_files, job_files, write_files
from assay.engines import SimulatedOptions, VllmOptions
from assay.runs import CampaignFolder, read_campaign
from assay.serving.servers import PlacedServer, ServerSpec, Spread

pytestmark = [pytest.mark.kubernetes, pytest.mark.ssh, pytest.mark.slow]
SIMULATED = SimulatedOptions(kind="simulated", itl_ms=1)
RIGHTS = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: half, namespace: default}
rules: [{apiGroups: [""], resources: [services, pods], verbs: ["*"]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: half, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: half}
subjects: [{kind: User, name: bench}]
"""


@pytest.fixture(scope="module")
def cluster(hosts: Hosts) -> Iterator[Hosts]:
    if reason := rig.why_not():
        pytest.skip(reason)
    try:
        rig.up(hosts)
        yield hosts
    finally:
        rig.down(hosts)


def options(hosts: Hosts, **changes: Any) -> KubernetesOptions:
    return KubernetesOptions.model_validate({
        "launcher": "kubernetes",
        "replicas": 2,
        "image": image.NAME,
        "python": str(image.PYTHON),
        "kubeconfig": str(rig.kubeconfig(hosts, changes.pop("user", "admin"))),
        "shm_size": "32Mi",
        **changes,
    })  # fmt: skip


def left(hosts: Hosts) -> list[str]:
    kinds = "statefulsets,services,pods,secrets"
    return rig.kubectl(hosts, "get", kinds, "-l", "assay/run", "-o", "name").split()


async def test_deploys_with_accelerators_on_two_nodes(cluster: Hosts, tmp_path: Path) -> None:
    chosen = options(cluster, accelerators=2, node_selector={"nvidia.com/gpu.product": "FAKE-H100"}, memory="400Mi")
    heard: dict[str, bytes] = {}
    async with Deployment(SIMULATED, chosen, label="k8s", folder=tmp_path, heard=heard.__setitem__) as deployment:
        answers = [await get_json(endpoint.url + "/v1/models") for endpoint in deployment.endpoints]
        limits = rig.kubectl(cluster, "get", "pods", "-o", "jsonpath={.items[*].spec.containers[0].resources.limits}")
    assert [endpoint.name for endpoint in deployment.endpoints] == ["pod-0", "pod-1"]
    assert all(endpoint.url.startswith(f"http://{PODS}.") for endpoint in deployment.endpoints)
    assert all(answers)
    assert sorted(node.hostname for node in deployment.nodes) == ["node2", "node3"]
    assert limits.count('"nvidia.com/gpu":"2"') == 2
    assert all("the pod's machine" in node.telemetry for node in deployment.nodes)
    assert {node: list(json.loads(line)) for node, line in heard.items()} == {
        "pod-0": ["at_ns", "host", "gpus"],
        "pod-1": ["at_ns", "host", "gpus"],
    }
    assert {path.name for path in (tmp_path / "endpoints").iterdir()} == {"pod-0.log", "pod-1.log"}
    assert left(cluster) == []


async def test_node_ports_where_pods_can_not_be_reached(cluster: Hosts, tmp_path: Path) -> None:
    routes = [(f"{PODS}.{number}.0/24", cluster.address(number)) for number in rig.WORKERS]
    for network, _ in routes:
        call("ip", "route", "del", network)
    try:
        async with Deployment(SIMULATED, options(cluster), label="ports", folder=tmp_path) as deployment:
            hosts_of = sorted(endpoint.url.split(":")[1].removeprefix("//") for endpoint in deployment.endpoints)
            answers = [await get_json(endpoint.url + "/v1/models") for endpoint in deployment.endpoints]
    finally:
        for network, address in routes:
            call("ip", "route", "replace", network, "via", address)
    assert hosts_of == [cluster.address(2), cluster.address(3)]
    assert all(answers)
    assert left(cluster) == []


async def launched(hosts: Hosts, label: str, argv: tuple[str, ...], wait_s: float = 25, **changes: Any) -> str:
    """What a deployment of one pod that can't become ready is told."""
    launcher = KubernetesLauncher(options(hosts, replicas=1, **changes), label)

    async def never(_: PlacedServer) -> str | None:
        return "not yet"

    try:
        spread = Spread(argv, argv, "ADDRESS")
        await launcher.prepare([ServerSpec(name="x", node="pod-0", argv=argv, ready_timeout_s=wait_s, spread=spread)])
        await launcher.place()
        await launcher.wait_ready(never)
    except LaunchError as error:
        return str(error)
    finally:
        if changes.get("user", "admin") == "admin":
            await launcher.stop()
    raise AssertionError("it became ready")


async def test_each_way_to_fail_is_one_message(cluster: Hosts) -> None:
    sleep = ("{python}", "-c", "import time; time.sleep(60)")
    eat = ("{python}", "-c", "x = bytearray(300 << 20)\nfor i in range(0, len(x), 4096): x[i] = 1")
    dies = ("{python}", "-c", "import sys; sys.exit('no kernel image')")
    cases: tuple[tuple[str, tuple[str, ...], dict[str, Any], str], ...] = (
        ("pending", sleep, {"accelerators": 9, "wait_s": 3}, "no node fits (Pending): 0/2 nodes are available"),
        ("image", sleep, {"image": "127.0.0.1:1/absent:1"}, "its image can't be pulled: check cluster.image"),
        ("memory", eat, {"memory": "64Mi"}, "it ran out of memory (OOMKilled): raise cluster.memory"),
        ("dies", dies, {}, "its container ended: exit code 1"),
        ("python", sleep, {"python": "/absent"}, "ended before it was ready: "),
    )
    # At once: most of the time goes into what Kubernetes waits for.
    told = await asyncio.gather(*(launched(cluster, label, argv, **changes) for label, argv, changes, _ in cases))
    for text, (label, _, _, message) in zip(told, cases, strict=True):
        assert message in text
        if label == "dies":
            assert "no kernel image" in text
    assert left(cluster) == []


async def test_missing_rights_and_a_missing_controller_are_told(cluster: Hosts, tmp_path: Path) -> None:
    rights = tmp_path / "rights.yaml"
    rights.write_text(RIGHTS)
    told = await launched(cluster, "none", ("x",), user="bench")
    assert "kubernetes: not allowed: services is forbidden" in told
    assert "ask for a role with these rights" in told
    rig.kubectl(cluster, "apply", "-f", str(rights))
    told = await launched(cluster, "half", ("x",), user="bench")
    assert "statefulsets.apps is forbidden" in told
    launcher = KubernetesLauncher(options(cluster), "half")
    launcher.servers = [PlacedServer(ServerSpec(name="x", node="pod-0", argv=()), "")]
    await launcher.stop()
    vllm = ("{python}", "-m", "vllm.entrypoints.openai.api_server")
    assert "needs the LeaderWorkerSet controller" in await launched(cluster, "lws", vllm, pods_per_server=2)
    assert left(cluster) == []


def test_exported_manifests_pass_a_server_side_dry_run(cluster: Hosts, tmp_path: Path) -> None:
    """All of the API server's admission and validation, nothing stored."""
    changes: dict[str, Any] = {
        "accelerators": 4,
        "memory": "64Gi",
        "cpu": "8",
        "node_selector": {"nvidia.com/gpu.product": "FAKE-H100"},
        "tolerations": [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}],
        "image_pull_secrets": ["registry"],
        "model_volume": {"claim": "models"},
    }
    vllm = VllmOptions(kind="vllm", model="/models/llama", tensor_parallel=4)
    written = write_files(
        export_files("k8s", vllm, options(cluster, **changes), "config: text\n", Path("results")), tmp_path
    )
    told = [rig.kubectl(cluster, "apply", "--dry-run=server", "-f", str(path)).splitlines() for path in written]
    assert sorted(line for lines in told for line in lines) == [
        "role.rbac.authorization.k8s.io/assay created (server dry run)",
        "service/assay-export created (server dry run)",
        "statefulset.apps/assay-export created (server dry run)",
    ]
    servers = tmp_path / "assay-servers.yaml"
    servers.write_text(servers.read_text().replace("replicas: 2", "replicas: -2"))
    with pytest.raises(RuntimeError, match="Invalid value: -2"):
        rig.kubectl(cluster, "apply", "--dry-run=server", "-f", str(servers))
    assert left(cluster) == []


async def test_check_asks_for_rights_and_nodes(cluster: Hosts) -> None:
    for changes, outcomes in (
        ({"accelerators": 4}, ["passed", "passed", "passed"]),
        ({"accelerators": 5}, ["passed", "passed", "failed"]),
        ({"user": "bench"}, ["passed", "failed", "skipped"]),
    ):
        report = await check_cluster(SIMULATED, options(cluster, **changes))
        assert [row.outcome.value for row in report.rows] == [*outcomes, "skipped", "passed"]  # engine, servers


async def test_a_lost_node_is_found_and_cleaned_up_after(cluster: Hosts, tmp_path: Path) -> None:
    lost: list[tuple[str, str]] = []
    async with Deployment(
        SIMULATED, options(cluster), label="loss", folder=tmp_path, on_lost=lambda *what: lost.append(what)
    ) as deployment:
        try:
            cluster.cut(3)
            deadline = time.monotonic() + 60
            while not lost and time.monotonic() < deadline:
                await asyncio.sleep(0.2)
        finally:
            cluster.heal(3)
    ((_, reason),) = lost
    assert "its pod on node node3 is not ready any more (is the node lost?)" in reason
    assert deployment.problems == []
    assert left(cluster) == []


def test_what_a_killed_controller_left_can_be_stopped(cluster: Hosts, tmp_path: Path) -> None:
    leave_servers_behind(options(cluster), "orphan", tmp_path)
    assert len(left(cluster)) == 4
    assert asyncio.run(stop_deployment(tmp_path)) == ["pod-0", "pod-1"]
    assert left(cluster) == []


QUICK = {"kind": "concurrency", "concurrency": 2, "requests": 8}
ENDLESS = {"kind": "concurrency", "concurrency": 1, "duration_s": 36_000}


@pytest.fixture(scope="module")
def volume(cluster: Hosts) -> Iterator[None]:
    job.results_volume(cluster)
    yield
    cluster.run(job.NODE, "rm", "-rf", "/results")


def start_job(hosts: Hosts, folder: Path, *loads: dict[str, Any]) -> str:
    """As a user does, with no kubeconfig in the pod; the Job's UID."""
    cluster = options(hosts).model_dump(exclude={"kubeconfig"})
    write_files(job.lent(job_files(job.campaign(cluster, *loads), image.NAME)), folder)
    for which in (("-f", str(folder / "assay-results.yaml")), ("-k", str(folder))):
        # So old a Kubernetes knows no podFailurePolicy, and leaves it out.
        rig.kubectl(hosts, "apply", "--validate=false", *which)
    return rig.kubectl(hosts, "get", "job", "assay", "-o", "jsonpath={.metadata.uid}")


def controllers(hosts: Hosts, path: str) -> list[str]:
    selector = "app.kubernetes.io/name=assay-controller"
    return rig.kubectl(hosts, "get", "pods", "-l", selector, "-o", f"jsonpath={{.items[*]{path}}}").split()


def wait_until_only_the_claim_is_left(hosts: Hosts, before: set[str]) -> None:
    def beside() -> set[str]:
        return job.everything(hosts) - before

    job.wait_until(lambda: beside() == {"persistentvolumeclaim/assay-results"}, lambda: str(beside()))


@pytest.mark.timeout(1200)
@pytest.mark.usefixtures("volume")
def test_a_campaign_as_a_job_brings_its_results_and_leaves_its_claim_alone(cluster: Hosts, tmp_path: Path) -> None:
    before = job.everything(cluster)
    uid = start_job(cluster, tmp_path / "campaign", QUICK)
    job.wait_until(lambda: "Succeeded" in controllers(cluster, ".status.phase"), lambda: job.how_it_stands(cluster))
    assert left(cluster) == []
    collector = str(tmp_path / "campaign/assay-collect.yaml")
    rig.kubectl(cluster, "apply", "-f", collector)
    ready = "jsonpath={.status.conditions[?(@.type=='Ready')].status}"
    job.wait_until(
        lambda: rig.kubectl(cluster, "get", "pod", "assay-collect", "-o", ready) == "True",
        lambda: job.how_it_stands(cluster),
    )
    rig.kubectl(cluster, "cp", "default/assay-collect:/results", str(tmp_path / "results"))
    rig.kubectl(cluster, "delete", "--grace-period=1", "-f", collector)
    rig.kubectl(cluster, "delete", "-k", str(tmp_path / "campaign"))
    (found,) = (tmp_path / "results" / uid).iterdir()
    (run,) = read_campaign(CampaignFolder(found)).runs
    assert (run.status, run.nodes) == ("completed", ["pod-0", "pod-1"])
    assert (found / "report.html").exists()
    wait_until_only_the_claim_is_left(cluster, before)


@pytest.mark.timeout(1200)
@pytest.mark.usefixtures("volume")
def test_a_job_whose_controller_is_killed_goes_on_and_takes_everything_with_it(cluster: Hosts, tmp_path: Path) -> None:
    before = job.everything(cluster) - {"persistentvolumeclaim/assay-results"}
    uid = start_job(cluster, tmp_path / "campaign", QUICK, ENDLESS)

    def begun() -> list[dict[str, Any]]:
        return [run for run in job.runs_of(cluster, uid) if run["run"]]

    job.wait_until(lambda: len(begun()) == 2, lambda: job.how_it_stands(cluster))
    first, second = begun()
    label = "label=io.kubernetes.container.name=controller"
    cluster.run(job.NODE, "sh", "-c", f"docker kill $(docker ps -q --filter {label})")
    before_it = [first["run"], second["run"]]
    job.wait_until(
        lambda: len(now := begun()) == 2 and [run["run"] for run in now] != before_it,
        lambda: job.how_it_stands(cluster),
    )
    resumed = begun()
    assert resumed[0] == first, "what was measured isn't measured again"
    assert resumed[1]["earlier"] == [second["run"]]
    rig.kubectl(cluster, "delete", "-k", str(tmp_path / "campaign"))
    wait_until_only_the_claim_is_left(cluster, before)
