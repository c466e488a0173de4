"""How busy the load's own processes are: found among this process' children by what they run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from assay.load.hub import WORKER
from assay.telemetry.client import ClientProcesses

SPIN = "import sys\nprint('ready', flush=True)\nwhile True: pass"


def started(*words: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", SPIN, *words], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def test_the_busiest_of_the_loads_processes_is_told(tmp_path: Path) -> None:
    other, client = started("assay.simulator"), None
    try:
        processes = ClientProcesses()
        assert processes.busiest() is None
        assert processes.busiest() is None  # a server's process isn't the client's
        client = started(WORKER)
        assert processes.busiest() is None  # seen for the first time
        busiest = processes.busiest()
        assert busiest is not None
        assert busiest >= 0
        client.kill()
        client.wait()
        assert processes.busiest() is None
    finally:
        for process in (other, client):
            if process is not None:
                process.kill()
                process.wait()
