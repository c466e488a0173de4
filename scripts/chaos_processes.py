"""Processes that carry a mark in their environment: found, and ended, and no others."""

from __future__ import annotations

import os
import signal
from pathlib import Path

MARK = "ASSAY_CHAOS_MARK"


def carries(pid: int, mark: str) -> bool:
    """Whether a process has the mark in its environment."""
    try:
        return f"{MARK}={mark}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # it ended meanwhile, or isn't ours
        return False


def marked(mark: str) -> list[int]:
    """The processes that carry the mark."""
    return [pid for process in Path("/proc").glob("[0-9]*") if carries(pid := int(process.name), mark)]


def end(pid: int, mark: str, number: signal.Signals) -> bool:
    """Send a signal to a process that carries the mark; whether there was one."""
    try:
        handle = os.pidfd_open(pid)  # holds on to this very process, so that a later one with its id is safe
    except OSError:
        return False
    try:
        if not carries(pid, mark):
            return False
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)
    return True


def words(pid: int) -> str:
    """A process' command line; empty where it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def in_charge(pid: int) -> bool:
    """Whether a process has set up what SIGTERM means to it: before, there is only Python coming up."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return False
    caught = next((int(line.split()[1], 16) for line in lines if line.startswith("SigCgt:")), 0)
    return bool(caught >> (signal.SIGTERM - 1) & 1)
