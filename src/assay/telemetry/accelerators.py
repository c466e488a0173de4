"""What this machine's GPUs do, second by second, from the node probe in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Mapping

from assay.serving.probing import probe_source
from assay.telemetry.activity import Add, parse_activity

_PATIENCE_S = 2.0


class AcceleratorWatch:
    """Hands (node, metric, time in CLOCK_MONOTONIC ns, value) to `add` for each accelerator while it runs.

    A driver that hangs stops the probe's process and not this one. Where no driver can be asked there are no values.
    """

    def __init__(self, nodes: Mapping[int, str], add: Add, every_s: float = 1.0) -> None:
        """`nodes`: for each index of an accelerator of this machine, the node that it is counted under."""
        self._nodes = dict(nodes)
        self._add = add
        self._every_s = every_s
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._read, name="accelerators", daemon=True)

    def start(self) -> None:
        if not self._nodes:
            return
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-", "--every", str(self._every_s), "--only", ",".join(map(str, self._nodes))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,  # Ctrl-C is for the run, which ends this in its turn
        )
        assert self._process.stdin is not None
        self._process.stdin.write(probe_source().encode())
        self._process.stdin.close()
        self._thread.start()

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        self._thread.join(_PATIENCE_S)  # what waits in a hung driver can't be killed
        self._process.poll()

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            now_ns, told = time.monotonic_ns(), parse_activity(line)
            at_ns = now_ns if told.at_ns is None else min(told.at_ns, now_ns)  # the clock is the same
            for index, metric, value in told.values:
                if index is not None:
                    self._add(self._nodes[index], metric, at_ns, value)
