"""The guard takes a server's family down, also when it is itself the one that was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assay.cluster.local import GUARD

# A server with a helper in a session of its own; both write their process ids.
FAMILY = """
import os, subprocess, sys, time
helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
open(sys.argv[1] + ".part", "w").write(f"{os.getpid()} {helper.pid}")
os.replace(sys.argv[1] + ".part", sys.argv[1])
time.sleep(600)
"""


def start(folder: Path) -> tuple[subprocess.Popen[bytes], int, int]:
    pids = folder / "pids"
    command = [sys.executable, "-I", "-S", str(GUARD), "--grace", "2", "--", sys.executable, "-c", FAMILY, str(pids)]
    guard = subprocess.Popen(command, start_new_session=True)
    while not pids.exists():
        assert guard.poll() is None
        time.sleep(0.02)
    server, helper = (int(pid) for pid in pids.read_text().split())
    return guard, server, helper


def ended(pid: int) -> bool:
    """Gone, or a zombie that its new parent hasn't collected."""
    deadline_s = time.monotonic() + 10
    while time.monotonic() < deadline_s:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_ends_the_whole_family(tmp_path: Path, number: signal.Signals) -> None:
    guard, server, helper = start(tmp_path)
    guard.send_signal(number)
    guard.wait(timeout=20)
    assert ended(server)
    assert ended(helper)


def test_killed_itself_its_server_ends(tmp_path: Path) -> None:
    guard, server, helper = start(tmp_path)
    guard.kill()
    guard.wait(timeout=20)
    assert ended(server)
    os.kill(helper, signal.SIGKILL)  # nobody is left who knew of it
