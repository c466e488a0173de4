"""Runs one server and takes its whole family down. Standard library only: also shipped to nodes.

    python -I -S guard.py [--run LABEL] [--parent PID] [--grace SECONDS] [--status FILE] -- COMMAND...

The guard leads a session of its own and adopts orphans, so that workers which a server starts in sessions of their
own are found too. On SIGTERM or SIGINT, when the command ends, or when the parent process is gone (killed with
SIGKILL, for instance) it sends SIGTERM to all descendants, waits, and sends SIGKILL to what is left. Its exit code
is the command's; with --status it also writes it to a file. With --run others can see which run it is of.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
POLL_S = 0.5


def descendants(root: int) -> list[int]:
    """Process ids below `root`, from /proc."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            # The command's name may hold spaces and brackets; the last ')' ends it.
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        children.setdefault(parent, []).append(int(entry.name))
    found: list[int] = []
    todo = [root]
    while todo:
        for pid in children.get(todo.pop(), []):
            found.append(pid)
            todo.append(pid)
    return found


def reap() -> None:
    """Collect orphans that have ended, so that they don't count as alive."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def end_family(grace_s: float) -> None:
    """SIGTERM, wait up to `grace_s`, SIGKILL until nobody is left."""
    for pid in descendants(os.getpid()):
        send(pid, signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    while time.monotonic() < deadline:
        reap()
        if not descendants(os.getpid()):
            return
        time.sleep(0.02)
    for _ in range(100):
        for pid in descendants(os.getpid()):
            send(pid, signal.SIGKILL)
        reap()
        if not descendants(os.getpid()):
            return
        time.sleep(0.05)


def send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def watch(child: subprocess.Popen[bytes], caught: set[signal.Signals], parent: int) -> int:
    """The command's exit code, or that of SIGTERM when the guard is told to stop or its parent is gone."""
    while True:
        number = signal.sigtimedwait(caught, POLL_S)
        told = number is not None and number.si_signo != signal.SIGCHLD
        if told or (parent and os.getppid() != parent):
            return 128 + signal.SIGTERM
        code = child.poll()
        if code is not None:
            return code


def main(argv: list[str]) -> int:
    split = argv.index("--")
    options = {argv[i]: argv[i + 1] for i in range(0, split, 2)}
    parent = int(options.get("--parent", "0"))
    grace_s = float(options.get("--grace", "10"))
    status = options.get("--status")
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    caught = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, caught)

    def begin() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        # Should the guard itself be killed, nobody would be left to end the server.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

    try:
        child = subprocess.Popen(argv[split + 1 :], preexec_fn=begin)
    except OSError as error:
        sys.stderr.write(f"can't start {argv[split + 1]}: {error.strerror}\n")
        code = 127
    else:
        code = watch(child, caught, parent)
        end_family(grace_s)
    if status:
        part = Path(status + ".part")
        part.write_text(f"{code}\n")
        part.replace(status)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
