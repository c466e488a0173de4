"""Assay's simulator as the server of a comparison, on a core of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

SERVER_CORE, CLIENT_CORE = 0, 1


@contextmanager
def simulator(*options: str) -> Iterator[tuple[str, Callable[[], list[bytes]]]]:
    """A simulator on its core: its URL, and a function that reads the truth once it has ended."""
    with tempfile.TemporaryDirectory() as folder:
        port_file, truth = Path(folder, "port"), Path(folder, "truth")
        command = [sys.executable, "-m", "assay.simulator", "--port", "0", "--port-file", str(port_file)]
        if options:
            command += ["--truth", str(truth), *options]
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, preexec_fn=lambda: os.sched_setaffinity(0, {SERVER_CORE})
        )
        lines: list[bytes] = []
        try:
            while not port_file.exists():
                if process.poll() is not None:
                    raise RuntimeError("the simulator ended")
                time.sleep(0.01)
            yield f"http://127.0.0.1:{int(port_file.read_text())}", lambda: lines
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(10)
            if truth.exists():
                lines += truth.read_bytes().splitlines()
