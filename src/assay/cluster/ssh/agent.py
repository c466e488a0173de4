"""The controller's hand on a node: JSON lines in, JSON lines out. Standard library only, Python 3.8 or later.

It lives as long as the SSH channel that it was sent through; what it started lives on below guards (see guard.py),
each in a session of its own, until it is told to stop them. All that it writes is below one folder a run label:

    <folder>/<label>/assay-run (the label)  guard.py  <pid>.agent (start)
                     <name>.log  <name>.json (pid, start, port)  <name>.exit (exit code)

The controller says something every 15 s at least. After LEASE_S of silence the agent takes it for lost, and ends with
its probe; servers go on.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

TICK_S = 0.5
PROBE_TIMEOUT_S = 60
LEASE_S = 60
MARK = "assay-run"
speech = threading.Lock()


def start_ticks(pid: int) -> int:
    """When a process started, in clock ticks since boot; 0 when there is none or it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] == "Z" else int(fields[19])


def free_port(host: str) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


class Agent:
    def __init__(self) -> None:
        self.folder = Path()
        self.label = ""
        self.reported: set[str] = set()
        self.children: list[subprocess.Popen[bytes]] = []
        self.probe: subprocess.Popen[bytes] | None = None

    def hello(self, request: dict[str, Any]) -> dict[str, Any]:
        """Where this is. Creates nothing."""
        self.folder = Path(request["folder"]).expanduser()
        if not self.folder.is_absolute():
            self.folder = Path.home() / self.folder
        self.label = request["label"]
        if not re.fullmatch("[a-z0-9][a-z0-9-]*", self.label):
            raise OSError(f"{self.label!r} is no label of a run")
        self.folder /= self.label
        address = os.environ.get("SSH_CONNECTION", "").split()
        return {"folder": str(self.folder), "address": address[2] if address else "", "python": sys.executable}

    def start(self, request: dict[str, Any]) -> dict[str, Any]:
        """Start one server below a guard."""
        self.sign()
        guard = self.folder / "guard.py"
        guard.write_text(request["guard"])
        name, host = request["name"], request["host"]
        port = request["port"] or free_port(host)
        values = (("{python}", sys.executable), ("{host}", host), ("{port}", str(port)))
        argv = []
        for argument in request["argv"]:
            for placeholder, value in values:
                argument = argument.replace(placeholder, value)
            argv.append(argument)
        if shutil.which(argv[0]) is None:
            raise OSError(f"{argv[0]} is not on this node: is the engine installed?")
        status = self.folder / f"{name}.exit"
        command = [sys.executable, "-I", "-S", str(guard), "--grace", str(request["grace_s"]), "--status", str(status)]
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [*command, "--", *argv],
                env={**os.environ, **request["env"]},
                cwd=str(Path.home()),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.children.append(process)
        record = {"pid": process.pid, "start": start_ticks(process.pid), "port": port}
        (self.folder / f"{name}.json").write_text(json.dumps(record))
        return record

    def free_port(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"port": free_port(request["host"])}

    def end(self, request: dict[str, Any]) -> dict[str, Any]:
        """Tell one server's guard to end it, and wait for nothing."""
        record = self.records().get(request["name"])
        if record is not None and self.running(record):
            os.kill(record["pid"], signal.SIGTERM)
        return {}

    def sign(self) -> None:
        """Make the folder, and leave word there that this agent works for it."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.folder / MARK).write_text(self.label)
        (self.folder / f"{os.getpid()}.agent").write_text(str(start_ticks(os.getpid())))

    def marked(self) -> bool:
        try:
            return (self.folder / MARK).read_text() == self.label
        except OSError:
            return False

    def end_others(self) -> None:
        """End agents, and their probes, whose link was lost and that don't know it yet."""
        for path in self.folder.glob("*.agent"):
            pid = int(path.stem)
            if pid != os.getpid() and str(start_ticks(pid)) == path.read_text():
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(os.getpgid(pid), signal.SIGKILL)

    def observe(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send what the probe prints as it comes, until this agent ends or is told to stop."""
        self.end_probe()
        self.sign()
        self.probe = subprocess.Popen(
            [sys.executable, "-I", "-", *request["arguments"]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
        )
        threading.Thread(target=relay, args=(self.probe, request["program"]), daemon=True).start()
        return {}

    def end_probe(self) -> None:
        if self.probe is not None:
            self.probe.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):  # what waits in a hung driver can't be killed
                self.probe.wait(TICK_S)
            self.probe = None

    def records(self) -> dict[str, dict[str, Any]]:
        found = {}
        for path in sorted(self.folder.glob("*.json")):
            with contextlib.suppress(ValueError):
                found[path.stem] = json.loads(path.read_text())
        return found

    def running(self, record: dict[str, Any]) -> bool:
        for child in self.children:
            child.poll()
        ticks = start_ticks(record["pid"])
        return ticks != 0 and bool(ticks == record["start"])

    def exits(self) -> list[dict[str, Any]]:
        """Servers that have ended since this was asked last."""
        ended = []
        for name, record in self.records().items():
            if name not in self.reported and not self.running(record):
                self.reported.add(name)
                try:
                    code: int | None = int((self.folder / f"{name}.exit").read_text())
                except (OSError, ValueError):
                    code = None
                ended.append({"event": "exit", "name": name, "code": code})
        return ended

    def tail(self, request: dict[str, Any]) -> dict[str, Any]:
        path = self.folder / (request["name"] + ".log")
        lines = int(request["lines"])
        if not path.exists():
            return {"text": ""}
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 400 * lines))
            return {"text": "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])}

    def stop(self, request: dict[str, Any]) -> dict[str, Any]:
        """End all servers and probes of the label and remove its folder, which must carry the run's mark."""
        self.end_probe()
        if not self.folder.exists():
            return {"stopped": []}
        if self.folder.is_symlink() or not self.marked():
            raise OSError(f"{self.folder} isn't a folder of run {self.label}: it is left alone")
        self.end_others()
        records = self.records()
        for record in records.values():
            if self.running(record):
                os.kill(record["pid"], signal.SIGTERM)
        deadline = time.monotonic() + request["grace_s"] + 5
        while time.monotonic() < deadline and any(map(self.running, records.values())):
            time.sleep(0.02)
        for record in records.values():
            if self.running(record):
                os.killpg(record["pid"], signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)
        return {"stopped": sorted(records)}

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """A Python program on this interpreter, in a process of its own; its standard output."""
        done = subprocess.run(
            [request.get("python") or sys.executable, "-", *request["arguments"]],
            input=request["program"].encode(),
            capture_output=True,
            cwd="/",
            timeout=PROBE_TIMEOUT_S,
        )
        if done.returncode:
            raise OSError(done.stderr.decode(errors="replace")[-400:])
        return {"output": done.stdout.decode(errors="replace")}

    def serve_bytes(self, request: dict[str, Any]) -> dict[str, Any]:
        """Listen for a few connections; one that speaks first gets `count` bytes."""
        family = socket.AF_INET6 if ":" in request["address"] else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.settimeout(PROBE_TIMEOUT_S)
        listener.bind((request["address"], 0))
        listener.listen(16)
        threading.Thread(
            target=hand_out, args=(listener, request["count"], request["connections"]), daemon=True
        ).start()
        return {"port": listener.getsockname()[1]}

    def clock(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"utc_ns": time.time_ns()}


def hand_out(listener: socket.socket, count: int, connections: int) -> None:
    block = bytes(1 << 18)
    with contextlib.suppress(OSError), listener:
        for _ in range(connections):
            connection = listener.accept()[0]
            with contextlib.suppress(OSError), connection:
                left = count if connection.recv(2) else 0
                while left > 0:
                    left -= connection.send(block[:left])


def relay(probe: subprocess.Popen[bytes], program: str) -> None:
    """Give the probe its program, then pass its lines on."""
    assert probe.stdin is not None
    assert probe.stdout is not None
    with contextlib.suppress(OSError):
        probe.stdin.write(program.encode())
        probe.stdin.close()
        for line in probe.stdout:
            say({"event": "activity", "line": line.decode(errors="replace")})


def say(answer: dict[str, Any]) -> None:
    with speech:
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def answer(agent: Agent, line: str) -> dict[str, Any]:
    request = json.loads(line)
    try:
        verbs = {"hello", "start", "tail", "end", "stop", "run", "clock", "free_port", "serve_bytes", "observe"}
        if request["do"] not in verbs:
            raise OSError(f"unknown request {request['do']}")
        return {"id": request["id"], **getattr(agent, request["do"])(request)}
    except (OSError, subprocess.SubprocessError) as error:
        return {"id": request["id"], "error": str(error)}


def serve(agent: Agent) -> None:
    """Answer until the channel ends or the controller is silent for too long. An empty line asks for a sign of life."""
    buffer, heard = b"", time.monotonic()
    while time.monotonic() - heard < LEASE_S:
        if select.select([0], [], [], TICK_S)[0]:
            data = os.read(0, 1 << 16)
            if not data:
                return
            *lines, buffer = (buffer + data).split(b"\n")
            for line in lines:
                say(answer(agent, line.decode()) if line else {"event": "alive"})
            heard = time.monotonic()  # now: what was asked for may have taken its time
        for event in agent.exits():
            say(event)


def main() -> None:
    agent = Agent()
    try:
        serve(agent)
    finally:
        agent.end_probe()


main()
