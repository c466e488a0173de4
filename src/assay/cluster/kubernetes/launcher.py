"""Servers as pods."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from assay.cluster.kubernetes.api import Api, NotAllowedError
from assay.cluster.kubernetes.check import check_rows
from assay.cluster.kubernetes.export import export_files
from assay.cluster.kubernetes.job import owned
from assay.cluster.kubernetes.manifests import (
    GRACE_S,
    GROUP,
    PLURAL,
    RUN_LABEL,
    VERSION,
    manifests,
    name_of,
    node_port,
    pod_name,
)
from assay.cluster.kubernetes.pods import Pods
from assay.cluster.kubernetes.probe import PodProbe, open_stream
from assay.cluster.kubernetes.words import failure, has_ended, is_ready, pending, unready, where
from assay.cluster.launcher import Heard, Launcher, LaunchError
from assay.cluster.local import secrets
from assay.cluster.options import KubernetesOptions
from assay.cluster.probes import Probes
from assay.cluster.together import together
from assay.errors import AssayError
from assay.runs.node_facts import NodeFacts
from assay.serving.health import CheckRow
from assay.serving.probing import observed, observing, parse_probe, probe_source
from assay.serving.servers import PlacedServer, ServerSpec, ServerState

AT_ONCE = 8
"""Logs and probes of pods that are asked for at a time, each with a connection and a thread."""
OBSERVED = 64
"""Pods whose probes are listened to, of which each takes a connection and a thread here."""
CONNECT_S = 2.0
SETTLE_S = 5.0
STOP_S = GRACE_S + 30


class KubernetesLauncher(Launcher):
    """One StatefulSet a run. Load goes to pod addresses where they can be reached, else to node ports."""

    def __init__(self, options: KubernetesOptions, label: str) -> None:
        super().__init__(label)
        self._options = options
        self._namespace = options.namespace
        self._connected: Api | None = None
        self._pods: Pods | None = None
        self._probes = Probes()

    @property
    def _api(self) -> Api:
        if self._connected is None:
            self._connected = Api(self._options)
        return self._connected

    @property
    def _watched(self) -> Pods:
        if self._pods is None:
            self._pods = Pods(self._options, self._selector)
        return self._pods

    @property
    def _grouped(self) -> bool:
        return self._options.pods_per_server > 1

    async def prepare(self, specs: Sequence[ServerSpec]) -> None:
        self.specs = specs
        manifests(specs, self._options, self.label)  # its complaints come before anything is asked of the cluster
        await self._api.call(self._api.version.get_code)
        if self._grouped:
            listing = self._api.custom.list_namespaced_custom_object
            if await self._api.find(listing, GROUP, VERSION, self._namespace, PLURAL) is None:
                raise LaunchError(
                    "kubernetes: cluster.pods_per_server above 1 needs the LeaderWorkerSet controller, which is not "
                    "installed here: https://lws.sigs.k8s.io"
                )

    async def place(self) -> list[PlacedServer]:
        service, workload = map(owned, manifests(self.specs, self._options, self.label))
        started_ns = time.monotonic_ns()
        for number, spec in enumerate(self.specs):
            handle = {"pod": self._pod_of(number), "number": str(number)}
            self.servers.append(PlacedServer(spec, "", handle, started_ns=started_ns))
        if values := secrets(self.specs[0]):
            metadata = service["metadata"]
            await self._api.call(
                self._api.core.create_namespaced_secret, self._namespace, {"metadata": metadata, "stringData": values}
            )
        await self._api.call(self._api.core.create_namespaced_service, self._namespace, service)
        if self._grouped:
            create = self._api.custom.create_namespaced_custom_object
            await self._api.call(create, GROUP, VERSION, self._namespace, PLURAL, workload)
        else:
            await self._api.call(self._api.apps.create_namespaced_stateful_set, self._namespace, workload)
        return self.servers

    def _pod_of(self, number: int) -> str:
        return pod_name(self.label, number)

    async def _pod(self, server: PlacedServer) -> Any:
        return (await self._watched.now()).get(server.handle["pod"])

    async def exited(self, server: PlacedServer) -> str | None:
        """Also finds the address of a pod that has become ready."""
        try:
            pod = await self._pod(server)
        except LaunchError as error:  # the API server rests; the server itself may be well
            server.handle["trouble"] = str(error)
            return None
        if pod is None:
            return "its pod is gone" if server.handle.get("uid") else None
        if server.queued_ns is None and pod.spec.node_name:  # the scheduler found a node
            server.queued_ns = time.monotonic_ns() - server.started_ns
        if server.handle.setdefault("uid", pod.metadata.uid) != pod.metadata.uid:
            return "its pod was replaced by another"
        if reason := failure(pod):
            return f"{reason} [{where(pod)}]"
        if server.state is ServerState.READY:
            return unready(pod)
        if not server.url and is_ready(pod):
            await self._locate(server, pod)
        return None

    async def _locate(self, server: PlacedServer, pod: Any) -> None:
        """The address for load: the pod's own, or its node's where pods can't be reached from here."""
        port = self._options.port
        server.handle["node"] = pod.spec.node_name
        reach = self._options.reach
        if reach == "pod" or (reach == "auto" and await _answers(pod.status.pod_ip, port)):
            server.url = f"http://{pod.status.pod_ip}:{port}"
            return
        wanted = owned(node_port(self._options, self.label, int(server.handle["number"])))
        service = await self._api.call(self._api.core.create_namespaced_service, self._namespace, wanted)
        server.url = f"http://{pod.status.host_ip}:{service.spec.ports[0].node_port}"

    async def waiting_for(self, server: PlacedServer) -> str | None:
        try:
            pod = await self._pod(server)
        except LaunchError as error:
            return str(error)
        if pod is None:
            return await self._why_no_pod()
        if failure(pod):  # told already
            return None
        return f"{reason} [{where(pod)}]" if (reason := pending(pod)) else None

    async def _why_no_pod(self) -> str | None:
        """The controller's last complaint, such as an exceeded quota."""
        selector = f"involvedObject.name={name_of(self.label)},type=Warning"
        try:
            events = await self._api.call(
                self._api.core.list_namespaced_event, self._namespace, field_selector=selector
            )
        except LaunchError:
            return None
        return f"its pod was not created: {events.items[-1].message}" if events.items else None

    async def tail(self, server: PlacedServer, lines: int = 15) -> str:
        for previous in (False, True):
            with contextlib.suppress(LaunchError):
                text = await self._log(server, tail_lines=lines, previous=previous)
                if text:
                    return text
        return ""

    async def _log(self, server: PlacedServer, **options: Any) -> str:
        read = self._api.core.read_namespaced_pod_log
        return await self._api.call(read, server.handle["pod"], self._namespace, **options) or ""

    async def logs(self, dest: Path) -> None:
        dest.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - a local folder
        await together(self.servers, partial(self._save_log, dest), at_once=AT_ONCE)

    async def _save_log(self, dest: Path, server: PlacedServer) -> None:
        try:
            text = await self._log(server)
        except LaunchError as error:
            text = f"(no log: {error})\n"
        (dest / f"{server.spec.name}.log").write_text(text)

    async def stop(self) -> None:
        """Deletes everything with the label. Raises LaunchError where something stays, as on a lost node."""
        try:
            if any(server.state is not ServerState.STOPPED for server in self.servers):
                await self._delete()
                for server in self.servers:
                    server.state = ServerState.STOPPED
        finally:
            await self.release()

    @property
    def _selector(self) -> str:
        return f"{RUN_LABEL}={self.label}"

    async def _delete(self) -> None:
        refused: list[str] = []
        for delete in (self._delete_workload, self._delete_services, self._delete_secret):
            try:
                await delete()
            except NotAllowedError as error:  # the rest may be allowed
                refused.append(str(error))
        if refused:
            left = f"objects labelled {self._selector} may be left in namespace {self._namespace}"
            raise LaunchError("; ".join([*refused, left]))
        await self._pods_gone()

    async def _delete_workload(self) -> None:
        name = name_of(self.label)
        if self._grouped:
            remove = self._api.custom.delete_namespaced_custom_object
            await self._api.remove(remove, GROUP, VERSION, self._namespace, PLURAL, name)
        else:
            await self._api.remove(self._api.apps.delete_namespaced_stateful_set, name, self._namespace)

    async def _delete_services(self) -> None:
        core, namespace = self._api.core, self._namespace
        listed = await self._api.call(core.list_namespaced_service, namespace, label_selector=self._selector)
        for service in listed.items:  # old API servers can't delete services by selector
            await self._api.remove(core.delete_namespaced_service, service.metadata.name, namespace)

    async def _delete_secret(self) -> None:
        await self._api.remove(self._api.core.delete_namespaced_secret, name_of(self.label), self._namespace)

    async def _pods_gone(self) -> None:
        started = time.monotonic()
        while True:
            pods = list((await self._watched.now()).values()) or await self._listed()
            if not pods:
                return
            if time.monotonic() > started + SETTLE_S:
                for pod in filter(has_ended, pods):  # some kubelets forget such a pod: there is nothing left to end
                    await self._api.remove(self._force, pod.metadata.name)
            if time.monotonic() > started + STOP_S:
                names = ", ".join(f"{pod.metadata.name} on {pod.spec.node_name}" for pod in pods)
                raise LaunchError(
                    f"kubernetes: still terminating after {STOP_S} s: {names}: where the node is lost for good, "
                    "kubectl delete pod --force"
                )
            await asyncio.sleep(0.5)

    async def _listed(self) -> list[Any]:
        """Pods by a question of its own: that none is left must be no old news."""
        listing = self._api.core.list_namespaced_pod
        return list((await self._api.call(listing, self._namespace, label_selector=self._selector)).items)

    def _force(self, pod: str, **options: Any) -> Any:
        return self._api.core.delete_namespaced_pod(pod, self._namespace, grace_period_seconds=0, **options)

    async def release(self) -> None:
        await self._probes.end()
        pods, self._pods = self._pods, None
        connected, self._connected = self._connected, None
        if pods is not None:
            await pods.close()
        if connected is not None:
            await connected.close()

    async def facts(self) -> list[NodeFacts]:
        return await together(self.servers, self._facts, at_once=AT_ONCE)

    async def _facts(self, server: PlacedServer) -> NodeFacts:
        """The probe, run inside the pod: what the server itself can use."""
        node = server.handle.get("node", "")
        try:
            output = await self._exec(server, [self._options.python, "-I", "-c", probe_source()])
            facts = parse_probe(output.encode(), server.spec.node)
        except AssayError as error:
            return NodeFacts(name=server.spec.node, hostname=node, problems=[str(error)])
        return facts.model_copy(update={"hostname": node or facts.hostname})

    async def _exec(self, server: PlacedServer, command: list[str]) -> str:
        api = Api(self._options)  # of its own: while the client opens such a stream, it can do nothing else
        try:
            session = await open_stream(api, self._namespace, server.handle["pod"], command)
            try:
                await asyncio.to_thread(session.run_forever, timeout=30)
                return str(session.read_stdout())
            finally:
                session.close()
        finally:
            await api.close()

    async def observe(self, heard: Heard) -> dict[str, str]:
        """By exec in each server's pod, which sees the accelerators it was given, and its machine's CPU and memory."""
        seen = self.servers[:OBSERVED]
        told = await together(seen, partial(self._observe, heard), at_once=AT_ONCE)
        unseen = f"not collected: each pod that is looked into takes a connection, so {OBSERVED} are"
        named = {server.spec.node: unseen for server in self.servers}
        return {**named, **{server.spec.node: text for server, text in zip(seen, told, strict=True)}}

    async def _observe(self, heard: Heard, server: PlacedServer) -> str:
        arguments = observing(None, len(self.servers[:OBSERVED]))
        command = [self._options.python, "-I", "-c", probe_source(), *arguments]
        try:
            probe = await PodProbe.start(self._options, server.handle["pod"], command)
        except AssayError as error:
            return f"not collected: {error}"
        if not await self._probes.listen(probe.lines, partial(heard, server.spec.node), probe.end):
            return f"not collected: {self._options.python} in the pod tells nothing"
        return f"{observed(len(self.servers[:OBSERVED]))}; CPU and memory are those of the pod's machine"

    async def check(self) -> list[CheckRow]:
        return await check_rows(lambda: self._api, self._options)

    def export(self, specs: Sequence[ServerSpec]) -> dict[str, str]:
        return export_files(specs, self._options, self.label)

    def monitor(self) -> list[str]:
        chosen = [f"--context={self._options.context}"] if self._options.context else []
        chosen += [f"--kubeconfig={self._options.kubeconfig}"] if self._options.kubeconfig else []
        command = ["kubectl", *chosen, "-n", self._namespace, "get", "pods", "-l", RUN_LABEL, "-o", "wide"]
        return [shlex.join(command)]


async def _answers(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), CONNECT_S)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
