"""What a process measures of itself."""

from __future__ import annotations

import subprocess
import sys

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
