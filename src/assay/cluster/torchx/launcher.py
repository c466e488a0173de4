"""Servers on any TorchX scheduler: one AppDef, one role a server."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from assay.cluster.launcher import Heard, Launcher, LaunchError
from assay.cluster.local import GUARD, environment, free_port, sampled_here
from assay.cluster.options import TorchxOptions
from assay.cluster.shared import SharedAnswer
from assay.cluster.together import together
from assay.errors import UserError
from assay.extras import require
from assay.runs.node_facts import NodeFacts
from assay.serving.probing import probe_here
from assay.serving.servers import PlacedServer, ServerSpec, ServerState, fill

POLL_S = 0.5
STOP_S = 60.0
LOG_S = 1.0
PORTS_A_SERVER = 20
ALL_ADDRESSES = "0.0.0.0"  # noqa: S104 - TorchX doesn't tell a replica its host's address beforehand
MARK = "assay-address"
# Written as an error: that is the stream which TorchX's Slurm scheduler shows.
ANNOUNCE = (
    f"import os, socket, sys; print('{MARK}', socket.gethostname(), file=sys.stderr, flush=True); "
    "os.execvp(sys.argv[1], sys.argv[1:])"
)
T = TypeVar("T")


class TorchxLauncher(Launcher):
    """TorchX places and stops; readiness and addresses are ours. Ports count up from `port_base`.

    A local scheduler's processes run below a guard, since TorchX leaves them behind when it is killed.
    """

    def __init__(self, options: TorchxOptions, label: str) -> None:
        super().__init__(label)
        self._options = options
        self._runner: Any = None
        self._asked: SharedAnswer[Any] | None = None

    @property
    def _local(self) -> bool:
        return self._options.on_this_machine

    @property
    def _app(self) -> str:
        return f"assay-{self.label}"

    async def prepare(self, specs: Sequence[ServerSpec]) -> None:
        self.specs = specs
        require("torchx", "launcher torchx")
        for spec in specs:
            comma = next((name for name, value in spec.env.items() if "," in value), None)
            if comma and self._options.scheduler == "slurm":
                raise UserError(
                    f"engine.env: {comma}: TorchX's Slurm scheduler cuts values at the first comma; "
                    "use `launcher: slurm` instead"
                )
        known = await self._call(lambda: list(self._get_runner().scheduler_backends()))
        if self._options.scheduler not in known:
            raise UserError(f"cluster.scheduler: TorchX here knows {', '.join(known)}, not {self._options.scheduler}")

    def _get_runner(self) -> Any:
        if self._runner is None:
            from torchx.runner import get_runner

            self._runner = get_runner()
        return self._runner

    async def _call(self, function: Callable[[], T]) -> T:
        """TorchX blocks, so it runs in a thread; whatever it raises becomes one message."""
        try:
            return await asyncio.to_thread(function)
        except (LaunchError, UserError):
            raise
        except Exception as error:  # TorchX lets the exceptions of every scheduler through
            raise LaunchError(f"torchx {self._options.scheduler}: {type(error).__name__}: {error}") from None

    async def place(self) -> list[PlacedServer]:
        from torchx.specs import AppDef, Resource, Role

        roles, ports = [], []
        for number, spec in enumerate(self.specs):
            port = spec.port or (free_port() if self._local else self._options.port_base + PORTS_A_SERVER * number)
            command = self._command(spec, port)
            given = environment(spec, {})
            if not self._local:  # the scheduler chooses the accelerators
                given.pop("CUDA_VISIBLE_DEVICES", None)
            resource = Resource(cpu=self._options.cpu, gpu=len(spec.accelerators), memMB=self._options.memory_mb)
            image = spec.image or self._options.image
            roles.append(
                Role(spec.name, image=image, entrypoint=command[0], args=command[1:], env=given, resource=resource)
            )
            ports.append(port)
        app = AppDef(name=self._app, roles=roles)
        started_ns = time.monotonic_ns()
        arguments = dict(self._options.scheduler_args)
        handle = await self._call(lambda: self._get_runner().run(app, self._options.scheduler, arguments))
        for spec, port in zip(self.specs, ports, strict=True):
            placed = {"app": str(handle), "port": str(port)}
            self.servers.append(PlacedServer(spec, "", placed, started_ns=started_ns))
        return self.servers

    def _command(self, spec: ServerSpec, port: int) -> list[str]:
        python = sys.executable if self._local else self._options.python
        host = "127.0.0.1" if self._local else ALL_ADDRESSES
        command = fill(spec.argv, python=python, host=host, port=port)
        if not self._local:
            command = [python, "-c", ANNOUNCE, *command]
        else:
            guard = [sys.executable, "-I", "-S", str(GUARD), "--parent", str(os.getpid()), "--"]
            command = [*guard, *command]
        return [argument.replace("$", "$$") for argument in command]  # TorchX substitutes its macros

    async def exited(self, server: PlacedServer) -> str | None:
        """Also takes the host name that the scheduler reports once the replica runs."""
        from torchx.specs import is_terminal

        status = await self._status(server)
        if status is None:
            return None
        replicas = [replica for role in status.roles if role.role == server.spec.name for replica in role.replicas]
        for state in (status.state, *(replica.state for replica in replicas)):
            if is_terminal(state):
                return f"TorchX says {state.name}"
        if server.queued_ns is None and status.state.name == "RUNNING":
            server.queued_ns = time.monotonic_ns() - server.started_ns
        if not server.url and status.state.name == "RUNNING":
            told = next((replica.hostname for replica in replicas if replica.hostname), "")
            host = "127.0.0.1" if self._local else told or await self._announced(server)
            server.url = f"http://{host}:{server.handle['port']}" if host else ""
        return None

    async def _announced(self, server: PlacedServer) -> str:
        """The host name that the replica wrote first of all: not every scheduler of TorchX tells it."""
        lines = await self._lines(server)
        return next((words[1] for line in lines if len(words := line.split()) == 2 and words[0] == MARK), "")

    async def _status(self, server: PlacedServer) -> Any:
        """Of the whole app, which is one call for all its servers; None while the scheduler can't tell."""
        if self._asked is None:
            self._asked = SharedAnswer(partial(self._ask_status, server.handle["app"]), POLL_S)
        return await self._asked.get()

    async def _ask_status(self, app: str) -> Any:
        try:
            return await asyncio.to_thread(lambda: self._get_runner().status(app))
        except (KeyError, AssertionError):  # as nightlies on Slurm say while a job is pending
            return None

    async def waiting_for(self, server: PlacedServer) -> str | None:
        status = await self._status(server)
        return None if status is None or server.url else f"TorchX says {status.state.name}"

    async def tail(self, server: PlacedServer, lines: int = 15) -> str:
        return "\n".join((await self._lines(server))[-lines:])

    async def _lines(self, server: PlacedServer) -> list[str]:
        """The log so far. Some schedulers follow it until the app ends, asked or not: what came in time must do."""
        runner = self._get_runner()
        lines: list[str] = []

        def read() -> None:
            try:
                for line in runner.log_lines(server.handle["app"], server.spec.name, 0):
                    lines.append(line.rstrip("\n"))  # noqa: PERF401 - the list must grow while lines come
            except Exception as error:  # TorchX lets the exceptions of every scheduler through
                lines.append(f"(no log: {error})")

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        await asyncio.to_thread(thread.join, LOG_S)
        return list(lines)

    async def logs(self, dest: Path) -> None:
        dest.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - a local folder
        await together(self.servers, partial(self._save_log, dest))

    async def _save_log(self, dest: Path, server: PlacedServer) -> None:
        (dest / f"{server.spec.name}.log").write_text("\n".join(await self._lines(server)) + "\n")

    async def stop(self) -> None:
        running = [server for server in self.servers if server.state is not ServerState.STOPPED]
        apps = {server.handle.get("app", "") for server in running}
        for app in sorted(apps - {""}):
            if not app.startswith(f"{self._options.scheduler}://"):
                raise LaunchError(f"torchx: {app} is no app of scheduler {self._options.scheduler}: it is left alone")
            await self._cancel(app)
        await self.release()
        if "" in apps and not self.specs:  # another process was killed as it submitted
            raise LaunchError(
                f"torchx: whether {self._app} was submitted isn't known: `{self.monitor()[0]}` lists what runs; once "
                "nothing of it is left, remove deployment.json"
            )
        for server in self.servers:
            server.state = ServerState.STOPPED

    async def _cancel(self, app: str) -> None:
        from torchx.specs import is_terminal

        runner = self._get_runner()
        deadline = time.monotonic() + STOP_S
        cancelled = False
        while time.monotonic() < deadline:
            try:
                status = await asyncio.to_thread(lambda: runner.status(app))
            except (KeyError, AssertionError) as error:
                if "CANCELLED" in str(error):  # Slurm's "CANCELLED by 0", which TorchX 0.7.0 can't read
                    return
                status = False  # not told yet: cancel all the same
            if status is None or (status and is_terminal(status.state)):
                return
            if not cancelled:
                await self._call(lambda: runner.cancel(app))
                cancelled = True
            await asyncio.sleep(POLL_S)
        raise LaunchError(f"torchx: {app} did not end in {STOP_S:g} s after its cancellation: torchx status {app}")

    async def release(self) -> None:
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await self._call(runner.close)

    async def observe(self, heard: Heard) -> dict[str, str]:
        """A local scheduler's nodes are this machine, which the controller's own sampler sees."""
        if self._local:
            return {node.name: sampled_here(node) for node in await self.facts()}
        return dict.fromkeys((spec.node for spec in self.specs), "not collected: TorchX gives no way into a job")

    def monitor(self) -> list[str]:
        return [shlex.join(["torchx", "list", "-s", self._options.scheduler])]

    async def facts(self) -> list[NodeFacts]:
        """TorchX tells nothing of hosts but their names; a local scheduler's is this machine."""
        if self._local:
            here = await asyncio.to_thread(probe_here)
            return [here.model_copy(update={"name": node}) for node in dict.fromkeys(spec.node for spec in self.specs)]
        found = {}
        for server in self.servers:
            host = server.url.split("//")[-1].split(":")[0]
            found[server.spec.node] = NodeFacts(
                name=server.spec.node, hostname=host, address=host, problems=["TorchX tells nothing of its hosts"]
            )
        return list(found.values())
