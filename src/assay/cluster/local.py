"""Servers as processes of this machine."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from assay.cluster.launcher import Heard, Launcher, LaunchError, Look, LookProgram
from assay.runs.node_facts import NodeFacts
from assay.serving.exits import explain_exit
from assay.serving.nodes import NodeOptions
from assay.serving.probing import probe_here
from assay.serving.servers import PlacedServer, ServerSpec, ServerState, fill
from assay.serving.words import harmless

HOST = "127.0.0.1"
GUARD = Path(__file__).with_name("guard.py")
GRACE_S = 10.0
LOOK_S = 600.0  # hashing a large model takes its time


class LocalLauncher(Launcher):
    """Each server runs below a guard process, in a session of its own, and ends when this process does."""

    def __init__(self, label: str, folder: Path, grace_s: float = GRACE_S, nodes: Sequence[NodeOptions] = ()) -> None:
        super().__init__(label)
        self._nodes = nodes
        self._grace_s = grace_s
        self._folder = folder / "servers"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._found: list[NodeFacts] = []

    async def prepare(self, specs: Sequence[ServerSpec]) -> None:
        self.specs = specs
        self._folder.mkdir(parents=True, exist_ok=True)

    async def place(self) -> list[PlacedServer]:
        for spec in self.specs:
            port = spec.port or free_port()
            argv = fill(spec.argv, python=sys.executable, host=HOST, port=port)
            if shutil.which(argv[0]) is None:
                raise LaunchError(f"server {spec.name}: {argv[0]!r} is not on this machine: is the engine installed?")
            server = PlacedServer(spec, f"http://{HOST}:{port}", started_ns=time.monotonic_ns())
            process = self._start(spec, argv)
            server.handle = {"pid": str(process.pid), "start": str(_start_ticks(process.pid))}
            self._processes[spec.name] = process
            self.servers.append(server)
        return self.servers

    def _start(self, spec: ServerSpec, argv: list[str]) -> subprocess.Popen[bytes]:
        guard = [sys.executable, "-I", "-S", str(GUARD), *_mark(self.label)]
        guard += ["--parent", str(os.getpid()), "--grace", str(self._grace_s)]
        with self._log(spec.name).open("ab") as log:
            return subprocess.Popen(
                [*guard, "--", *argv],
                env=environment(spec, dict(os.environ)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    async def exited(self, server: PlacedServer) -> str | None:
        code = self._processes[server.spec.name].poll()
        return None if code is None else explain_exit(code)

    async def tail(self, server: PlacedServer, lines: int = 15) -> str:
        return tail_file(self._log(server.spec.name), lines)

    async def logs(self, dest: Path) -> None:
        dest.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - a local folder
        for server in self.servers:
            source = self._log(server.spec.name)
            if source.exists():
                shutil.copyfile(source, dest / source.name)

    async def stop(self) -> None:
        for server in self.servers:
            if self._is_ours(server.handle):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(server.handle["pid"]), signal.SIGTERM)
        deadline = time.monotonic() + self._grace_s + 5
        while time.monotonic() < deadline:
            if not any(self._running(server) for server in self.servers):
                break
            await asyncio.sleep(0.02)
        for server in self.servers:
            if self._running(server):  # the guard itself hangs: its session is the server's too
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(int(server.handle["pid"]), signal.SIGKILL)
            server.state = ServerState.STOPPED

    def _running(self, server: PlacedServer) -> bool:
        process = self._processes.get(server.spec.name)
        return process.poll() is None if process else self._is_ours(server.handle)

    def _is_ours(self, handle: dict[str, str]) -> bool:
        """Whether the process of a handle still runs, and is a guard of this run."""
        pid, start = handle.get("pid", ""), handle.get("start", "")
        if not pid.isdecimal() or str(_start_ticks(int(pid))) != start or start == "0":
            return False
        try:
            words = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
        except OSError:
            return False
        option, label = _mark(self.label)
        return str(GUARD) in words and option in words and words[words.index(option) + 1] == label

    async def facts(self) -> list[NodeFacts]:
        facts = await asyncio.to_thread(probe_here)
        parts: dict[str, set[int]] = {}
        for spec in self.specs:
            parts.setdefault(spec.node, set()).update(spec.accelerators)
        self._found = [_part(facts, name, own if len(parts) > 1 else set()) for name, own in parts.items()]
        return self._found

    async def observe(self, heard: Heard) -> dict[str, str]:
        """The controller's own sampler sees this machine."""
        return {node.name: sampled_here(node) for node in self._found}

    async def look(self, program: LookProgram) -> list[Look]:
        return await asyncio.to_thread(self._look, program)

    def _look(self, program: LookProgram) -> list[Look]:
        """One look serves for all nodes: they are the same machine, and hashing a large model takes minutes."""
        facts, output, problem = probe_here(), None, ""
        command = [program.python or sys.executable, "-", *program.arguments]
        try:
            output = subprocess.run(
                command, input=program.text, capture_output=True, text=True, timeout=LOOK_S, check=True, cwd="/"
            ).stdout
        except (OSError, subprocess.SubprocessError) as error:
            problem = str(error)
        return [
            Look(node, facts=facts.model_copy(update={"name": node.name}), output=output, problem=problem)
            for node in self._nodes
        ]

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"


def _mark(label: str) -> tuple[str, str]:
    """What tells the guards of a run from any other process."""
    return "--run", label


def _part(machine: NodeFacts, name: str, accelerators: set[int]) -> NodeFacts:
    """The machine as one node, with all its accelerators or, as a part of it, those of its own."""
    own = [found for found in machine.accelerators if not accelerators or found.index in accelerators]
    return machine.model_copy(update={"name": name, "accelerators": own})


def sampled_here(node: NodeFacts) -> str:
    """What the controller's own sampler sees of the node."""
    accelerators = ", and the accelerators in use where their driver answers" if node.accelerators else ""
    return f"as the controller: its host{accelerators}, every second"


def environment(spec: ServerSpec, base: dict[str, str]) -> dict[str, str]:
    """The server's environment: `base`, the accelerators, and what the user asked for."""
    chosen = dict(base)
    if spec.accelerators:
        chosen["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"  # as NVML counts; CUDA's own order puts the fastest first
        chosen["CUDA_VISIBLE_DEVICES"] = ",".join(str(index) for index in spec.accelerators)
    chosen.update(spec.env)
    chosen.update(secrets(spec))
    return chosen


def secrets(spec: ServerSpec) -> dict[str, str]:
    """The variables that are handed on from this process. Raises LaunchError where one isn't set."""
    missing = [name for name in spec.secret_env if name not in os.environ]
    if missing:
        raise LaunchError(f"engine.pass_env: {', '.join(missing)} is not set in this environment: export it first")
    return {name: os.environ[name] for name in spec.secret_env}


def free_port(host: str = HOST) -> int:
    """A TCP port that nothing listened on just now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def tail_file(path: Path, lines: int) -> str:
    """The last `lines` lines of a text file, which may be a server's words; empty where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 400 * lines))
            return "\n".join(map(harmless, file.read().decode(errors="replace").splitlines()[-lines:]))
    except FileNotFoundError:
        return ""


def _start_ticks(pid: int) -> int:
    """When a process started, in clock ticks since boot; tells a process from a later one with the same id."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except (OSError, IndexError):
        return 0
