"""Servers in containers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.cluster.docker.daemon import NO_RUNTIME, Daemon
from assay.cluster.docker.probe import start_probe
from assay.cluster.launcher import LOOK_AT_NODE, Heard, Launcher, LaunchError
from assay.cluster.local import environment
from assay.cluster.options import DockerOptions, SshNode
from assay.cluster.probes import Probes
from assay.cluster.ssh.commands import look_over_ssh
from assay.cluster.together import together
from assay.errors import AssayError
from assay.runs.node_facts import NodeFacts
from assay.serving.exits import explain_exit
from assay.serving.health import CheckRow, judged
from assay.serving.probing import observed, observing, parse_probe, probe_here, probe_source
from assay.serving.servers import PlacedServer, ServerSpec, ServerState, fill

if TYPE_CHECKING:
    from docker.models.containers import Container

LABEL = "assay.run"
STOP_S = 10
PORT = 8000  # inside a container that has a network of its own


class DockerLauncher(Launcher):
    """One container a server, labelled with the run. Containers outlive a lost controller until they are stopped."""

    def __init__(self, options: DockerOptions, label: str) -> None:
        super().__init__(label)
        self._options = options
        self._nodes = {node.name: node for node in options.nodes}
        self._daemons: dict[str, Daemon] = {}
        self._containers: dict[str, Container] = {}
        self._probes = Probes()

    async def _daemon(self, name: str) -> Daemon:
        daemon = self._daemons.get(name)
        if daemon is None or daemon.lost:
            if daemon is not None:
                await daemon.close()
            daemon = self._daemons[name] = Daemon(self._nodes[name], self._options)
            await daemon.open()
        return daemon

    async def prepare(self, specs: Sequence[ServerSpec]) -> None:
        self.specs = specs
        await together(_by_node(specs), self._prepare)

    async def _prepare(self, specs: Sequence[ServerSpec]) -> None:
        """One node: its daemon, and what its servers need there."""
        daemon = await self._daemon(specs[0].node)
        if any(spec.accelerators for spec in specs) and not await self._has_gpus(daemon):
            raise LaunchError(f"docker on {daemon.node.name}: no NVIDIA runtime: {NO_RUNTIME}")
        for image in dict.fromkeys(self._image_of(spec) for spec in specs):
            await self._image(daemon, image)

    async def _has_gpus(self, daemon: Daemon) -> bool:
        info = await daemon.call(daemon.client.info)
        return "nvidia" in info.get("Runtimes", {}) or bool(info.get("CDISpecDirs") and info.get("DiscoveredDevices"))

    async def _image(self, daemon: Daemon, image: str) -> None:
        import docker.errors

        try:
            await asyncio.to_thread(daemon.client.images.get, image)
        except docker.errors.ImageNotFound:
            if not self._options.pull:
                raise LaunchError(
                    f"docker on {daemon.node.name}: no image {image}: pull or load it there, or set cluster.pull: true"
                ) from None
            await daemon.call(daemon.client.images.pull, image)

    def _image_of(self, spec: ServerSpec) -> str:
        return spec.image or self._options.image

    async def place(self) -> list[PlacedServer]:
        try:
            await together(_by_node(self.specs), self._place)
        finally:
            order = {spec.name: number for number, spec in enumerate(self.specs)}
            self.servers.sort(key=lambda server: order[server.spec.name])
        return self.servers

    async def _place(self, specs: Sequence[ServerSpec]) -> None:
        """The servers of one node, one after another: each takes a port that is free by then."""
        daemon = await self._daemon(specs[0].node)
        for spec in specs:
            own_network = self._options.network == "bridge"
            bind = daemon.node.bind or daemon.address
            port = PORT if own_network else spec.port or await daemon.free_port()
            host = "0.0.0.0" if own_network else bind  # noqa: S104 - of the container's own network
            command = fill(spec.argv, python=self._options.python, host=host, port=port)
            published = (
                {"ports": {f"{PORT}/tcp": (bind, spec.port or None)}} if own_network else {"network_mode": "host"}
            )
            server = PlacedServer(spec, "", started_ns=time.monotonic_ns())
            container = await daemon.call(daemon.client.containers.create, **self._create(spec, command), **published)
            self._containers[spec.name] = container
            server.handle = {"container": container.id or ""}
            self.servers.append(server)
            await daemon.call(container.start)
            if own_network:
                await daemon.call(container.reload)
                port = int((container.ports[f"{PORT}/tcp"] or [{}])[0]["HostPort"])
            server.url = f"http://{daemon.address}:{port}"

    def _create(self, spec: ServerSpec, command: list[str]) -> dict[str, Any]:
        import docker.types

        given = environment(spec, {})
        # The container sees only its own devices, numbered from 0.
        given.pop("CUDA_VISIBLE_DEVICES", None) if spec.accelerators else None
        devices = [str(index) for index in spec.accelerators]
        request = docker.types.DeviceRequest(device_ids=devices, capabilities=[["gpu"]])
        volumes = [f"{source}:{target}" for source, target in self._options.volumes.items()]
        return {
            "image": self._image_of(spec),
            "entrypoint": command[:1],
            "command": command[1:],
            "name": f"assay-{self.label}-{spec.name}",
            "labels": {LABEL: self.label},
            "environment": given,
            "volumes": volumes,
            "shm_size": self._options.shm_size,
            "init": True,  # a program that is process 1 ignores SIGTERM
            "device_requests": [request] if devices else [],
            **({"runtime": self._options.runtime} if self._options.runtime else {}),
        }

    async def exited(self, server: PlacedServer) -> str | None:
        daemon = self._daemons[server.spec.node]
        if daemon.lost:
            return f"node {server.spec.node}: the SSH link is lost"
        container = self._containers[server.spec.name]
        try:
            await daemon.call(container.reload)
        except LaunchError as error:
            return str(error)
        state = container.attrs["State"]
        if state["Status"] not in ("exited", "dead"):
            return None
        if state.get("OOMKilled"):
            return "the container ran out of memory"
        return explain_exit(int(state["ExitCode"])) + (f": {state['Error']}" if state.get("Error") else "")

    async def tail(self, server: PlacedServer, lines: int = 15) -> str:
        container = self._containers.get(server.spec.name)
        if container is None:
            return ""
        try:
            output = await self._daemons[server.spec.node].call(container.logs, tail=lines)
        except LaunchError:
            return ""
        return b"".join([output] if isinstance(output, bytes) else output).decode(errors="replace")

    async def logs(self, dest: Path) -> None:
        dest.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - a local folder
        nodes: dict[str, list[PlacedServer]] = {}
        for server in self.servers:
            nodes.setdefault(server.spec.node, []).append(server)
        await together(nodes.values(), partial(self._save_logs, dest))

    async def _save_logs(self, dest: Path, servers: Sequence[PlacedServer]) -> None:
        daemon = await self._daemon(servers[0].spec.node)
        for server in servers:
            container = await daemon.call(daemon.client.containers.get, server.handle["container"])
            output = await daemon.call(container.logs)
            (dest / f"{server.spec.name}.log").write_bytes(b"".join([output] if isinstance(output, bytes) else output))

    async def stop(self) -> None:
        """Removes every container with the label, on every node. Raises LaunchError for nodes without an answer."""
        running = [server for server in self.servers if server.state is not ServerState.STOPPED]
        try:
            await together(dict.fromkeys(server.spec.node for server in running), self._stop_node)
        finally:
            await self.release()

    async def _stop_node(self, name: str) -> None:
        daemon = await self._daemon(name)
        mine = await daemon.call(daemon.client.containers.list, all=True, filters={"label": f"{LABEL}={self.label}"})
        await asyncio.gather(*(daemon.call(_remove, container) for container in mine))
        for server in self.servers:
            if server.spec.node == name:
                server.state = ServerState.STOPPED

    async def release(self) -> None:
        await self._probes.end()
        await together(self._daemons.values(), Daemon.close)
        self._daemons.clear()

    async def facts(self) -> list[NodeFacts]:
        return await together(dict.fromkeys(spec.node for spec in self.specs), self._facts)

    async def _facts(self, name: str) -> NodeFacts:
        """The probe's answer; where a remote node has no Python, what its daemon tells."""
        daemon = await self._daemon(name)
        if daemon.ssh is None:
            return await asyncio.to_thread(probe_here, name)
        done = await daemon.ssh.run("python3 -I -", input=probe_source().encode(), encoding=None)
        try:
            facts = parse_probe(bytes(done.stdout or b""), name)  # type: ignore[arg-type]
        except AssayError:
            info = await daemon.call(daemon.client.info)
            facts = NodeFacts(
                name=name,
                hostname=info["Name"],
                os=info["OperatingSystem"],
                kernel=info["KernelVersion"],
                cpu_count=info["NCPU"],
                memory_total_bytes=info["MemTotal"],
                problems=["no python3 on the node: only what dockerd tells"],
            )
        return facts.model_copy(update={"address": daemon.address})

    async def observe(self, heard: Heard) -> dict[str, str]:
        """A process beside the containers, with the node's own python3."""
        nodes = list(dict.fromkeys(server.spec.node for server in self.servers))
        told = await together(nodes, partial(self._observe, heard, len(nodes)))
        return dict(zip(nodes, told, strict=True))

    async def _observe(self, heard: Heard, nodes: int, name: str) -> str:
        arguments = observing(self._nodes[name].accelerators, nodes)
        try:
            probe = await start_probe((await self._daemon(name)).ssh, arguments)
        except Exception as error:  # of the SSH link or this machine: it costs telemetry and no run
            return f"not collected: {error}"
        if not await self._probes.listen(probe.lines, partial(heard, name), probe.end):
            return "not collected: python3 on the node tells nothing (is it there?)"
        return observed(nodes)

    async def check(self) -> list[CheckRow]:
        rows = await together(self._options.nodes, self._check)
        return [row for own in rows for row in own]

    async def _check(self, node: SshNode) -> list[CheckRow]:
        try:
            daemon = await self._daemon(node.name)
            version = (await daemon.call(daemon.client.version))["Version"]
        except AssayError as error:
            return [judged(node.name, "docker", False, 10, str(error), "mend this first", required=True)]
        rows = [judged(node.name, "docker", True, 10, f"dockerd {version}", "", required=True)]
        images = {tag for image in await daemon.call(daemon.client.images.list) for tag in image.tags}
        here = self._options.image in images or None if self._options.pull else self._options.image in images
        mend = "pull or load it there, or set cluster.pull: true"
        rows.append(judged(node.name, "image", here, 8, self._options.image, mend, required=True))
        if node.accelerators:
            gpus = await self._has_gpus(daemon)
            detail = "NVIDIA runtime" if gpus else "no NVIDIA runtime"
            rows.append(judged(node.name, "gpu runtime", gpus, 8, detail, NO_RUNTIME, required=True))
        return rows

    def monitor(self) -> list[str]:
        if not self._options.ssh:
            return [LOOK_AT_NODE, f"docker ps --filter label={LABEL}"]
        return look_over_ssh(self._options)


def _by_node(specs: Sequence[ServerSpec]) -> list[list[ServerSpec]]:
    nodes: dict[str, list[ServerSpec]] = {}
    for spec in specs:
        nodes.setdefault(spec.node, []).append(spec)
    return list(nodes.values())


def _remove(container: Container) -> None:
    import docker.errors

    try:
        container.stop(timeout=STOP_S)
        container.remove(force=True, v=True)
    except docker.errors.NotFound:
        return
