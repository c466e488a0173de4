"""Servers up on entry, down on exit, whatever happens in between."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any

from assay.cluster.build import build_launcher
from assay.cluster.launcher import Heard, Launcher, LaunchError
from assay.cluster.options import ClusterOptions
from assay.cluster.together import together
from assay.deploy.specs import server_specs
from assay.deploy.state import DeploymentRecord, ServerRecord, Status, read_record, write_record
from assay.engines import EngineOptions, build_engine
from assay.runs import EndpointFacts
from assay.runs.node_facts import NodeFacts
from assay.runs.record import MemoryFacts
from assay.serving.client import ControlClient, ControlError
from assay.serving.connection import EndpointConnection, Reach
from assay.serving.servers import PlacedServer, RunningServer, ServerSpec, ServerState, parts

WATCH_S = 1.0
_HEALTH_S = 2.0
_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
Lost = Callable[[str, str], None]


class Deployment:
    """`async with Deployment(engine, cluster, label=…, folder=…) as deployment: deployment.endpoints`.

    Writes `deployment.json` into `folder` as soon as anything may have been started, and the servers' output into
    `folder/endpoints` on exit. While it is up, `on_lost(endpoint, reason)` is called once for each server that ends
    or whose node is lost. SIGTERM and SIGHUP (a closed terminal, a lost login) cancel the task that entered, as Ctrl-C
    does, so that the exit is walked through; a handler that was already there is left alone. With `heard`, nodes are
    observed (see `Launcher.observe`).

    What could not be taken down is in `problems` after the exit; `assay stop` tries again.
    Raises UserError for what the configuration got wrong, LaunchError for what went wrong out there.
    """

    def __init__(
        self,
        engine: EngineOptions,
        cluster: ClusterOptions,
        *,
        label: str,
        folder: Path,
        on_lost: Lost | None = None,
        heard: Heard | None = None,
        reach: Reach | None = None,
    ) -> None:
        self.engine = build_engine(engine)
        self.endpoints: list[EndpointFacts] = []
        self.connections: dict[str, EndpointConnection] = {}
        self.ready_ns: dict[str, int] = {}
        self.queued_ns: dict[str, int] = {}
        self.nodes: list[NodeFacts] = []
        self.stop_ns: int | None = None
        self.problems: list[str] = []
        self._cluster = cluster
        self._groups = cluster.groups()
        self._label = plain_label(label)
        self._folder = folder
        self._on_lost = on_lost
        self._heard = heard
        self._reach = reach or Reach()
        self._launcher: Launcher | None = None
        self._placing = False
        self._watcher: asyncio.Task[None] | None = None
        self._signals = contextlib.ExitStack()

    @property
    def on_this_cpu(self) -> bool:
        """Whether its servers compute on the CPU cores of this machine."""
        return self.engine.on_cpu and self._cluster.on_this_machine

    async def __aenter__(self) -> Deployment:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._signals.enter_context(_cancel_on_signals())
        try:
            await self._up()
        except BaseException:
            await self._down()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._down()

    async def _up(self) -> None:
        if running := self.engine.endpoints():
            await self._join(running)
            return
        specs = server_specs(self.engine, self._cluster)
        self._launcher = build_launcher(self._cluster, self._label, self._folder)
        await self._launcher.prepare(specs)
        self._placing = True
        self._record("starting")
        try:
            await self._launcher.place()
        finally:
            self._record("starting")
        try:
            await self._launcher.wait_ready(self._check)
        except LaunchError as error:
            raise await self._explained(error, self._launcher) from None
        self.nodes = await self._launcher.facts()
        self.endpoints = await together(self._launcher.servers, self._describe)
        for server in self._launcher.servers:
            self.ready_ns[server.spec.name] = server.ready_ns or 0
            if server.queued_ns is not None:
                self.queued_ns[server.spec.name] = server.queued_ns
        self._record("up")
        if self._heard:
            told = await self._launcher.observe(self._heard)
            self.nodes = [node.model_copy(update={"telemetry": told.get(node.name, "")}) for node in self.nodes]
        self._watcher = asyncio.create_task(self._watch(self._launcher))

    async def _explained(self, error: LaunchError, launcher: Launcher) -> LaunchError:
        """The error with the cause that a log names, which may stand far above the last lines that it has."""
        for server in launcher.servers if self.engine.log_lines else ():
            with contextlib.suppress(LaunchError, OSError):
                if cause := self.engine.failure(await launcher.tail(server, self.engine.log_lines)):
                    first, *rest = str(error).split("\n", 1)
                    return LaunchError("\n".join([f"{first}: {cause}", *rest]))
        return error

    async def _check(self, server: PlacedServer) -> str | None:
        """Health first, then whether the model asked for is served."""
        if not server.url:
            return "it has no address yet"
        client = self._client(server)
        try:
            health = await client.get(server.spec.health_path, limit_s=_HEALTH_S)
            if health.status != HTTPStatus.OK:
                return str(health.refusal())
            models = await client.models()
        except ControlError as error:
            return str(error)
        self._require_model(server.spec.name, models)
        return None

    def _client(self, server: PlacedServer) -> ControlClient:
        name = server.spec.name
        self.connections[name] = self.engine.connection(name, server.url, self._reach)
        return ControlClient(self.connections[name])

    def _require_model(self, name: str, models: list[str]) -> None:
        if self.engine.model not in models:
            raise LaunchError(
                f"endpoint {name} serves {', '.join(models) or 'nothing'}, not {self.engine.model!r}: "
                "make engine.model the name that is served"
            )

    async def _join(self, running: Sequence[RunningServer]) -> None:
        """Take endpoints that run already."""
        self.ready_ns = {endpoint.name: 0 for endpoint in running}
        self.endpoints = await together(running, self._join_one)

    async def _join_one(self, endpoint: RunningServer) -> EndpointFacts:
        server = PlacedServer(ServerSpec(name=endpoint.name, node=endpoint.node, argv=()), endpoint.url)
        client = self._client(server)
        if endpoint.check_model:
            self._require_model(endpoint.name, await self._listed(endpoint.name, client, endpoint.ready_timeout_s))
        facts = await self._describe(server, listed=endpoint.check_model)
        return facts.model_copy(update={"accelerators": list(endpoint.accelerators)})

    async def _listed(self, name: str, client: ControlClient, limit_s: float) -> list[str]:
        """The models that an endpoint lists; waits while it may still be starting."""
        give_up_ns = time.monotonic_ns() + round(limit_s * 1e9)
        while True:
            try:
                return await client.models()
            except ControlError as error:
                if not error.passing or time.monotonic_ns() > give_up_ns:
                    raise LaunchError(f"endpoint {name}: {error}{mend(error)}") from None
            await asyncio.sleep(0.2)

    async def _describe(self, server: PlacedServer, *, listed: bool = True) -> EndpointFacts:
        """`listed`: whether its list of models may be asked for."""
        client = ControlClient(self.connections[server.spec.name])
        return EndpointFacts(
            name=server.spec.name,
            url=server.url,
            node=server.spec.node,
            followers=[part.node for part in self._parts(server)[1:]],
            accelerators=self._accelerators(server),
            engine=self.engine.kind,
            engine_version=await self.engine.version(client),
            model=self.engine.model,
            window=self.engine.window,
            path=server.path,
            settings=await self.engine.served(server.spec.node, client),
            simulated=self.engine.simulated or (listed and await client.says_simulated()),
            memory=await self._memory(server),
        )

    async def _memory(self, server: PlacedServer) -> MemoryFacts | None:
        """What its log tells; a log that can't be read costs a figure and no run."""
        if self._launcher is None or not self.engine.log_lines:
            return None
        with contextlib.suppress(LaunchError, OSError):
            return self.engine.memory(await self._launcher.tail(server, self.engine.log_lines))
        return None

    def _accelerators(self, server: PlacedServer) -> list[str]:
        names = {(node.name, device.index): device.name for node in self.nodes for device in node.accelerators}
        return [names.get((part.node, index), "unknown") for part in self._parts(server) for index in part.accelerators]

    def _parts(self, server: PlacedServer) -> list[ServerSpec]:
        """What of it is on each of its nodes. One that ran before is on none of the cluster's."""
        return parts(server.spec, self._groups.get(server.spec.node, ()))

    async def _watch(self, launcher: Launcher) -> None:
        """Look at each server once a second; a lost one is reported once."""

        async def look(server: PlacedServer) -> bool:
            reason = await launcher.exited(server)
            if reason is None:
                return False
            server.state = ServerState.FAILED
            server.lost, server.silent_ns = reason, launcher.silence_ns(server)
            if self._on_lost:
                self._on_lost(server.spec.name, reason)
            return True

        while True:
            await asyncio.sleep(WATCH_S)
            serving = [server for server in launcher.servers if server.state is ServerState.READY]
            if any(await together(serving, look)):
                self._record("up")

    async def _down(self) -> None:
        """Finish even when cancelled again: a second Ctrl-C must not leave servers behind."""
        try:
            await _unhurried(self._stop())
        finally:
            self._signals.close()

    async def _stop(self) -> None:
        if self._watcher:
            self._watcher.cancel()
        launcher = self._launcher
        if launcher is None:
            return
        started_ns = time.monotonic_ns()
        try:
            with contextlib.suppress(LaunchError, OSError):
                await launcher.collect(self._folder / "endpoints")
            if self._placing:
                launcher.servers = _all_servers(launcher)
            await launcher.stop()
        except LaunchError as error:  # what was measured stands; what may still run is told
            self.problems.append(str(error))
            self._record("stop failed")
            return
        except BaseException:
            self._record("stop failed")
            raise
        self.stop_ns = time.monotonic_ns() - started_ns
        self._record("stopped")

    def _record(self, status: Status) -> None:
        assert self._launcher is not None
        servers = [ServerRecord.of(server) for server in _all_servers(self._launcher)]
        record = DeploymentRecord(
            label=self._label, status=status, cluster=self._cluster, servers=servers, stop_ns=self.stop_ns
        )
        write_record(self._folder, record)


def _all_servers(launcher: Launcher) -> list[PlacedServer]:
    """The launcher's servers, and those that it was to place: it may have been ended between placing and knowing."""
    placed = {server.spec.name: server for server in launcher.servers}
    return [placed.get(spec.name) or PlacedServer(spec, url="") for spec in launcher.specs]


def mend(error: ControlError) -> str:
    """What to do about an endpoint that doesn't list its models."""
    if error.kind in ("unreachable", "timeout"):
        return ": is it up?"
    if error.kind == "tls":
        return "; for a private CA set ca_file"
    if error.status == HTTPStatus.NOT_FOUND:
        return "; correct the url's path, or set engine.check_model: false for a server that lists no models"
    if error.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return "; set engine.api_key_env or engine.headers"
    return ""


def plain_label(label: str) -> str:
    """`label` as every scheduler takes it: lower case letters, digits and '-'; of a long one the end, with its hash."""
    return re.sub(r"[^a-z0-9]+", "-", label.lower())[-40:].strip("-") or "run"


async def stop_deployment(folder: Path) -> list[str]:
    """Take down what a deployment in `folder` left running; the names of its servers. Idempotent.

    Looks at every node, whatever the file says of the servers' state, and takes down only what carries the
    deployment's mark. Raises UserError where there is no `deployment.json` or it can't be believed, LaunchError where
    a node can't be reached.
    """
    record = read_record(folder)
    launcher = build_launcher(record.cluster, record.label, folder)
    launcher.servers = [server.placed() for server in record.servers]
    for server in launcher.servers:
        server.state = ServerState.PLACED
    await launcher.stop()
    record.status = "stopped"
    record.servers = [ServerRecord.of(server) for server in launcher.servers]
    write_record(folder, record)
    return [server.name for server in record.servers]


@contextlib.contextmanager
def _cancel_on_signals() -> Iterator[None]:
    """While inside, SIGTERM and SIGHUP cancel the current task, where nobody else handles or ignores them."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    here = threading.current_thread() is threading.main_thread() and task is not None
    mine = [number for number in _SIGNALS if here and signal.getsignal(number) is signal.SIG_DFL]
    for number in mine:
        assert task is not None
        loop.add_signal_handler(number, task.cancel)
    try:
        yield
    finally:
        for number in mine:
            loop.remove_signal_handler(number)


async def _unhurried(work: Coroutine[Any, Any, None]) -> None:
    """Await `work` to its end, then raise the cancellation that came meanwhile."""
    task = asyncio.create_task(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if task.cancelled():
                raise
            cancelled = error
    if cancelled:
        raise cancelled
    task.result()
