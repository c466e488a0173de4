"""What a process measures of itself, and how it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from assay.load.processes import peak_rss_bytes

HOLDS_300_MB = """
import subprocess, sys
held = b"x" * 300_000_000
subprocess.run([sys.executable, "-c", "from assay.load.processes import peak_rss_bytes; print(peak_rss_bytes())"])
"""


def test_a_parents_memory_is_not_the_childs() -> None:
    told = subprocess.run([sys.executable, "-c", HOLDS_300_MB], capture_output=True, text=True, check=True).stdout
    assert 0 < int(told) < 200_000_000


def test_what_was_held_once_is_told_afterwards() -> None:
    held = len(b"x" * 100_000_000)
    assert peak_rss_bytes() > held


@pytest.mark.parametrize(("main", "code"), [("lambda _: 3", 3), ("lambda _: 1 / 0", 1)])
def test_it_ends_at_once_where_standard_error_is_full_and_a_thread_never_ends(main: str, code: int) -> None:
    never = "threading.Thread(target=time.sleep, args=[600]).start(); sys.stderr.write('a word')"
    program = f"import sys, threading, time; from assay.load.processes import leave_with; {never}; leave_with({main})"
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run([sys.executable, "-c", program], stderr=full, env=environment, timeout=60, check=False)
    assert ended.returncode == code
