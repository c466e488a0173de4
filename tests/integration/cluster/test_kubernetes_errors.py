"""What the user is told when Kubernetes refuses, over HTTP against kmock; the launcher and its client are real.

kmock stores objects and runs nothing. So each pod, with the status that a kubelet or scheduler would have given it, is
put into its store by the test, in the shape that a real Kubernetes sends.
"""

from __future__ import annotations

import asyncio
import dataclasses
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import kmock
import pytest
import yaml

from assay.cluster import LaunchError
from assay.cluster.kubernetes import KubernetesLauncher
from assay.cluster.options import KubernetesOptions
from assay.serving.servers import PlacedServer, ServerSpec, ServerState

KINDS = ("v1/pods", "v1/services", "v1/secrets", "v1/events", "apps/v1/statefulsets")
NAMESPACE, LABEL = "bench", "errors"
NAME = f"assay-{LABEL}"
POD = f"{NAME}-0"
WHERE = f"pod {POD}, namespace {NAMESPACE}"
SPEC = ServerSpec(name="x", node="pod-0", argv=("{python}", "-c", "pass"), ready_timeout_s=0.2)
VERSION = dict.fromkeys(
    ("major", "minor", "gitVersion", "gitCommit", "gitTreeState", "buildDate", "goVersion", "compiler", "platform"), "1"
)
TIME = "2026-01-01T00:00:00Z"


def launcher(folder: Path, server: str) -> KubernetesLauncher:
    path = folder / "kubeconfig"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "mock", "cluster": {"server": server}}],
        "users": [{"name": "bench", "user": {"token": "t"}}],
        "contexts": [{"name": "mock", "context": {"cluster": "mock", "user": "bench"}}],
        "current-context": "mock",
    }
    path.write_text(yaml.safe_dump(config))
    chosen = {"launcher": "kubernetes", "replicas": 1, "image": "registry.example/server:1", "namespace": NAMESPACE}
    return KubernetesLauncher(KubernetesOptions.model_validate({**chosen, "kubeconfig": str(path)}), LABEL)


@asynccontextmanager
async def mocked(folder: Path) -> AsyncIterator[tuple[kmock.KubernetesEmulator, KubernetesLauncher]]:
    async with kmock.KubernetesEmulator() as mock, kmock.Server(mock) as server:
        for kind in KINDS:
            mock.resources[kind] = kmock.ResourceInfo(namespaced=True)
        mock["get /version/"] << VERSION
        yield mock, launcher(folder, str(server.url).rstrip("/"))


def refuse(mock: kmock.KubernetesEmulator, request: str, path: str, message: str, code: int = 403) -> None:
    """Answer as a real API server refuses."""

    def answer(_: kmock.Request) -> Any:
        raise kmock.KubernetesError(status=code, reason="Refused", message=message)

    mock[request, re.compile(path)] << answer


def pod(status: dict[str, Any], node: str | None = "node2") -> dict[str, Any]:
    spec = {"containers": [{"name": "server", "image": "registry.example/server:1"}]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": POD, "namespace": NAMESPACE, "uid": "u-1", "labels": {"assay/run": LABEL}},
        "spec": {**spec, "nodeName": node} if node else spec,
        "status": {"phase": "Pending", **status},
    }


def container(state: dict[str, Any], last: dict[str, Any] | None = None) -> dict[str, Any]:
    told = {"name": "server", "image": "i", "imageID": "", "ready": False, "restartCount": 1 if last else 0}
    return {"containerStatuses": [{**told, "state": state, "lastState": last or {}}]}


def waiting(reason: str, message: str) -> dict[str, Any]:
    return {"waiting": {"reason": reason, "message": message}}


def terminated(reason: str, code: int) -> dict[str, Any]:
    times = {"startedAt": TIME, "finishedAt": TIME}
    return {"terminated": {"reason": reason, "exitCode": code, "containerID": "docker://1", **times}}


def unschedulable(message: str) -> dict[str, Any]:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    return {"conditions": [{**condition, "lastProbeTime": None, "lastTransitionTime": TIME}]}


async def never(_: PlacedServer) -> str | None:
    return "no answer yet"


async def told_of(running: KubernetesLauncher) -> str:
    with pytest.raises(LaunchError) as raised:
        await running.wait_ready(never, poll_s=0.05)
    return str(raised.value)


BACK_OFF = 'Back-off pulling image "registry.example/server:1"'
ABSENT = "rpc error: code = NotFound desc = manifest unknown"
RESTARTING = f"back-off 10s restarting failed container=server pod={POD}_{NAMESPACE}"
TOO_FEW = "0/2 nodes are available: 2 Insufficient nvidia.com/gpu."
PODS = {
    "unschedulable": (
        pod(unschedulable(TOO_FEW), node=None),
        (f"no node fits (Pending): {TOO_FEW}: lower cluster.replicas", "cluster.node_selector", f"[{WHERE}]"),
    ),
    "first pull": (
        pod(container(waiting("ErrImagePull", ABSENT))),
        ("its image can't be pulled: check cluster.image", f"ErrImagePull ({ABSENT})", f"[{WHERE}, node node2]"),
    ),
    "later pulls": (
        pod(container(waiting("ImagePullBackOff", BACK_OFF))),
        ("its image can't be pulled: check cluster.image", "cluster.image_pull_secrets", BACK_OFF),
    ),
    "out of memory": (
        pod(container(terminated("OOMKilled", 137))),
        ("it ran out of memory (OOMKilled): raise cluster.memory", f"[{WHERE}, node node2]"),
    ),
    "out of memory again and again": (
        pod(container(waiting("CrashLoopBackOff", RESTARTING), terminated("OOMKilled", 137))),
        ("it ran out of memory (OOMKilled): raise cluster.memory", f"[{WHERE}, node node2]"),
    ),
    "crash loop": (
        pod(container(waiting("CrashLoopBackOff", RESTARTING), terminated("Error", 3))),
        ("its container ended: exit code 3 (its log tells why; check engine and cluster.image)", f"[{WHERE}"),
    ),
    "crash loop whose first end is forgotten": (
        pod(container(waiting("CrashLoopBackOff", RESTARTING))),
        ("its container ends again and again: its log tells why", f"CrashLoopBackOff ({RESTARTING})"),
    ),
    "evicted": (
        pod({"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}),
        ("its pod was evicted: The node was low on resource: memory.", f"[{WHERE}"),
    ),
}


WITHOUT_LOG = ("unschedulable", "first pull", "later pulls", "evicted")
LOG = "RuntimeError: no kernel image"


@pytest.mark.parametrize("case", PODS)
async def test_a_pod_that_can_not_serve(case: str, tmp_path: Path) -> None:
    stored, parts = PODS[case]
    async with mocked(tmp_path) as (mock, running):
        if case in WITHOUT_LOG:
            refuse(mock, "get", r".*/log", f'container "server" in pod "{POD}" is waiting to start', code=400)
        else:
            mock["get", re.compile(r".*/log")] << kmock.headers({"Content-Type": "text/plain"}) << LOG.encode()
        await running.prepare([SPEC])
        await running.place()
        mock.objects["v1/pods", NAMESPACE, POD] = stored
        told = await told_of(running)
        await running.release()
    assert told.startswith("server x on pod-0 ")
    assert [part for part in parts if part not in told] == []
    _, *log = told.splitlines()
    assert log == (["it wrote nothing to its log"] if case in WITHOUT_LOG else ["last lines of its log:", f"  {LOG}"])
    assert told.count(WHERE) == 1


async def test_a_pod_that_its_controller_can_not_create(tmp_path: Path) -> None:
    quota = f'pods "{POD}" is forbidden: exceeded quota: gpus, requested: requests.nvidia.com/gpu=1'
    event = {"metadata": {"name": "e"}, "involvedObject": {"name": NAME}, "type": "Warning", "message": quota}
    async with mocked(tmp_path) as (mock, running):
        await running.prepare([SPEC])
        await running.place()
        mock.objects["v1/events", NAMESPACE, "e"] = event
        told = await told_of(running)
        (listing,) = [request for request in mock[kmock.action.LIST] if "fieldSelector" in request.params]
        await running.release()
    assert f"not ready after 0.2 s: no answer yet (its pod was not created: {quota}" in told
    assert listing.params["fieldSelector"] == f"involvedObject.name={NAME},type=Warning"


async def test_what_a_job_makes_belongs_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that it goes with the Job, also where the controller was killed."""
    monkeypatch.setenv("ASSAY_JOB_NAME", "assay")
    monkeypatch.setenv("ASSAY_JOB_UID", "u-9")
    monkeypatch.setenv("TOKEN", "hidden")
    async with mocked(tmp_path) as (mock, running):
        await running.prepare([dataclasses.replace(SPEC, secret_env=("TOKEN",))])
        await running.place()
        stored = [mock.objects[kind, NAMESPACE, NAME] for kind in ("v1/secrets", "v1/services", "apps/v1/statefulsets")]
        await running.release()
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": "assay", "uid": "u-9"}
    assert [dict(item)["metadata"]["ownerReferences"] for item in stored] == [[owner]] * 3


RBAC = 'statefulsets.apps is forbidden: User "bench" cannot {} resource "statefulsets" in API group "apps"'
REFUSALS = {
    "rights": (403, RBAC.format("create"), f"not allowed: {RBAC.format('create')}: ask for a role with these rights"),
    "quota": (403, f'statefulsets.apps "{NAME}" is forbidden: exceeded quota: n', "a quota or policy of the namespace"),
    "credentials": (401, "Unauthorized", "the credentials of this context are not accepted: renew them"),
    "namespace": (404, 'namespaces "bench" not found', 'namespaces "bench" not found: create it, or set cluster.name'),
}


@pytest.mark.parametrize("case", REFUSALS)
async def test_the_api_server_refuses(case: str, tmp_path: Path) -> None:
    code, message, words = REFUSALS[case]
    async with mocked(tmp_path) as (mock, running):
        refuse(mock, "post", r".*/statefulsets", message, code)
        await running.prepare([SPEC])
        with pytest.raises(LaunchError) as raised:
            await running.place()
        await running.release()
    assert str(raised.value).startswith(f"kubernetes: {words}")


async def test_no_api_server(tmp_path: Path) -> None:
    """Also while waiting, where its rest does not end a server."""
    with socket.socket() as closed:  # bound, never listening: connections are refused
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        running = launcher(tmp_path, url)
        with pytest.raises(LaunchError) as raised:
            await running.prepare([SPEC])
        server = PlacedServer(SPEC, "", {"pod": POD, "number": "0"})
        ended, awaited = await running.exited(server), await running.waiting_for(server)
        running.servers = [server]
        with pytest.raises(LaunchError, match="does not answer"):
            await running.stop()
    told = str(raised.value)
    assert told.startswith(f"kubernetes: the API server {url} does not answer: ")
    assert "Connection refused" in told
    assert told.endswith("check cluster.kubeconfig, cluster.context and the network on the way there")
    assert "HTTPConnection" not in told
    assert (ended, awaited, server.state) == (None, told, ServerState.PLACED)


def remaining(mock: kmock.KubernetesEmulator) -> list[str]:
    return sorted(f"{key[0].plural}/{key[2]}" for key, stored in mock.objects.items() if not stored.deleted)


async def test_stop_is_idempotent(tmp_path: Path) -> None:
    async with mocked(tmp_path) as (mock, running):
        await running.prepare([SPEC])
        await running.place()
        assert remaining(mock) == [f"services/{NAME}", f"statefulsets/{NAME}"]
        await running.stop()
        assert remaining(mock) == []
        asked = len(mock)
        await running.stop()
        assert len(mock) == asked
        again = launcher(tmp_path, str(mock.servers[0].url).rstrip("/"))  # as a later process does
        again.servers = [PlacedServer(SPEC, "")]
        await asyncio.gather(again.stop(), again.stop())
        assert remaining(mock) == []
        assert again.servers[0].state is ServerState.STOPPED


async def test_stop_deletes_what_it_may(tmp_path: Path) -> None:
    """Without the right to delete one kind, the others must go all the same, and the user be told what stays."""
    async with mocked(tmp_path) as (mock, running):
        await running.prepare([SPEC])
        await running.place()
        refuse(mock, "delete", r".*/statefulsets/.*", RBAC.format("delete"))
        with pytest.raises(LaunchError) as raised:
            await running.stop()
        services = [name for name in remaining(mock) if name.startswith("services/")]
    assert services == []
    assert str(raised.value).startswith(f"kubernetes: not allowed: {RBAC.format('delete')}")
    assert f"objects labelled assay/run={LABEL} may be left in namespace {NAMESPACE}" in str(raised.value)
    assert running.servers[0].state is not ServerState.STOPPED


async def until(what: Callable[[], Awaitable[bool]]) -> None:
    while not await what():
        await asyncio.sleep(0.01)


RUNNING = pod({"phase": "Running", "conditions": [], "podIP": "127.0.0.1", "hostIP": "127.0.0.1"})


async def test_many_servers_are_known_by_one_listing_and_one_watch(tmp_path: Path) -> None:
    async with mocked(tmp_path) as (mock, running):
        await running.prepare([SPEC])
        (server,) = await running.place()
        mock.objects["v1/pods", NAMESPACE, POD] = RUNNING
        others = [PlacedServer(SPEC, "", {"pod": f"{NAME}-{number}", "number": "1"}) for number in range(1, 1000)]
        assert {await running.exited(one) for one in [server, *others]} == {None}

        async def watched() -> bool:
            return bool(mock[kmock.action.WATCH])

        await until(watched)
        change = {"status": container(terminated("OOMKilled", 137))}
        core = running._api.core
        await running._api.call(core.patch_namespaced_pod_status, POD, NAMESPACE, change)

        async def told() -> bool:
            return await running.exited(server) is not None

        await until(told)
        reason = await running.exited(server)
        await running._api.remove(core.delete_namespaced_pod, POD, NAMESPACE)

        async def gone() -> bool:
            return await running.exited(server) == "its pod is gone"

        await until(gone)
        assert (len(mock[kmock.action.LIST]), len(mock[kmock.action.WATCH])) == (1, 1)
        assert len(mock[kmock.action.FETCH]) == 0
        await running.release()
    assert reason is not None
    assert reason.startswith("it ran out of memory (OOMKilled)")


async def test_without_the_right_to_watch_pods_are_listed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assay.cluster.kubernetes.pods.PAUSE_S", 0.01)
    async with mocked(tmp_path) as (mock, running):
        refuse(mock, "watch", r".*/pods", 'pods is forbidden: User "bench" cannot watch resource "pods"')
        await running.prepare([SPEC])
        (server,) = await running.place()
        mock.objects["v1/pods", NAMESPACE, POD] = RUNNING
        assert await running.exited(server) is None
        mock.objects["v1/pods", NAMESPACE, POD] = pod(container(terminated("Error", 3)))

        async def told() -> bool:
            return await running.exited(server) is not None

        await until(told)
        reason = await running.exited(server)
        await running.release()
    assert reason is not None
    assert reason.startswith("its container ended: exit code 3")


async def test_an_api_server_that_rests_ends_no_server_and_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assay.cluster.kubernetes.pods.PAUSE_S", 0.01)
    rests = True

    def listing(_: kmock.Request) -> Any:
        if rests:
            raise kmock.KubernetesError(status=503, reason="ServiceUnavailable", message="etcd is compacting")
        return {"metadata": {"resourceVersion": "1"}, "items": [pod(container(terminated("Error", 3)))]}

    async with mocked(tmp_path) as (mock, running):
        mock["list", re.compile(r".*/pods")] << listing
        server = PlacedServer(SPEC, "", {"pod": POD, "number": "0"}, state=ServerState.READY)
        assert await running.exited(server) is None
        assert server.handle["trouble"] == "kubernetes: etcd is compacting"
        rests = False

        async def told() -> bool:
            return await running.exited(server) is not None

        await until(told)
        await running.release()
