"""Every end is an end: whenever the program is told to end, one true message, exit code 130, and what resuming does."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from tests.campaigns import FAST, MARK, Controller, latest, settings, still_running, write_settings

from assay.runs import RunStatus, read_ledger

pytestmark = [pytest.mark.resume, pytest.mark.slow]

ONE = {"nodes": [{"name": "node-a"}]}
# The program with one of its parts replaced by what tells it to end, so that it is told at that very moment.
_PROGRAM = """
import asyncio, os, signal, sys, time
import assay.campaign.execute, assay.campaign.runner, assay.deploy.deployment, assay.campaign.prepare
from assay.commands.main import main

def told(name, times=1):
    for _ in range(times):
        os.kill(os.getpid(), getattr(signal, name))

{part}
main()
"""
PREPARING = """
def prepare(*arguments):
    told({name!r})
    time.sleep(600)
assay.campaign.runner.prepare = prepare
"""
REPORTING = """
def render_reports(*arguments):
    told({name!r})
    time.sleep(600)
assay.campaign.runner.render_reports = render_reports
"""
# In a place that lets no exception out.
SWALLOWING = """
import weakref
class Thing:
    pass
def gone(reference):
    told({name!r})
    time.sleep(0)
def render_reports(*arguments):
    thing = Thing()
    reference = weakref.ref(thing, gone)
    del thing
    time.sleep(600)
assay.campaign.runner.render_reports = render_reports
"""
# As the load's process has ended, and before the controller knows.
LOADED = """
run_load = assay.campaign.execute.run_load
async def loaded(*arguments):
    await run_load(*arguments)
    told({name!r})
    await asyncio.sleep(600)
assay.campaign.execute.run_load = loaded
"""
# During the load, and twice more as a server hangs that is to be taken down.
HANGING = """
async def load(*arguments):
    told({name!r})
    await asyncio.sleep(600)
async def stop(self):
    told({name!r}, 2)
    time.sleep(600)
assay.campaign.execute.run_load = load
assay.deploy.deployment.Deployment._stop = stop
"""


def values(folder: Path, **changes: Any) -> Path:
    engine = {**FAST, "speeds": {}}
    return write_settings(
        folder / "assay.yaml", settings(folder / "results", **{"engine": engine, "cluster": ONE, **changes})
    )


def end_in(part: str, name: str, file: Path) -> str:
    """What the program says that is told to end at that moment; it ends with 130, and leaves nothing running."""
    program = _PROGRAM.format(part=part.format(name=name))
    mark = f"ends-{file.parent.name}-{os.getpid()}"
    done = subprocess.run(
        [sys.executable, "-c", program, "run", str(file)],
        env={**os.environ, MARK: mark, "TMPDIR": str(file.parent)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stderr
    deadline_s = time.monotonic() + 30  # servers notice within a moment that the controller is gone
    while still_running(mark) and time.monotonic() < deadline_s:
        time.sleep(0.1)
    assert still_running(mark) == []
    return done.stderr


def resume(file: Path) -> None:
    resumed = Controller(file, "--resume")
    assert resumed.wait() == 0, resumed.log.read_text()
    assert resumed.gone()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_before_anything_began(tmp_path: Path, name: str) -> None:
    file = values(tmp_path)
    assert end_in(PREPARING, name, file) == "assay: interrupted\n"
    assert list(tmp_path.iterdir()) == [file]


def test_while_reports_are_made(tmp_path: Path) -> None:
    file = values(tmp_path)
    said = end_in(REPORTING, "SIGTERM", file)
    folder, state = latest(tmp_path / "results")
    command = f"`assay run --resume {folder.path}`"
    assert said.endswith(
        f"assay: interrupted; all runs are over and kept, {command} makes the reports that are missing\n"
    )
    ran = [entry.run for entry in state.runs]
    resume(file)
    assert folder.report.exists()
    assert [entry.run for entry in latest(tmp_path / "results")[1].runs] == ran


def test_where_an_exception_is_swallowed(tmp_path: Path) -> None:
    said = end_in(SWALLOWING, "SIGHUP", values(tmp_path))
    assert "makes the reports that are missing" in said.splitlines()[-1]
    assert "ignored" not in said


def test_as_the_load_has_ended(tmp_path: Path) -> None:
    file = values(tmp_path, campaign={"repeats": 2})
    said = end_in(LOADED, "SIGINT", file)
    assert "goes on" in said.splitlines()[-1]
    folder, state = latest(tmp_path / "results")
    first = state.runs[0]
    assert (first.status, first.earlier) == (RunStatus.COMPLETED, [])
    assert first.run is not None
    assert read_ledger(folder.run(first.run)).completed == 8
    assert [entry.run for entry in state.runs[1:]] == [None]


def test_a_third_time_is_at_once(tmp_path: Path) -> None:
    file = values(tmp_path)
    said = end_in(HANGING, "SIGINT", file).splitlines()
    folder, _ = latest(tmp_path / "results")
    orderly = "assay: SIGINT: closing what is under way and taking servers down"
    assert [line for line in said if orderly in line] == [orderly, f"{orderly}; once more ends at once"]
    assert said[-1] == f"assay: interrupted; what was measured is kept, `assay run --resume {folder.path}` goes on"
    resume(file)
    assert [entry.status for entry in latest(tmp_path / "results")[1].runs] == [RunStatus.COMPLETED]


def test_a_terminal_that_is_closed(tmp_path: Path) -> None:
    slow = {"kind": "simulated", "ttft_ms": 2000, "itl_ms": 20, "output_tokens": 64, "window": 1}
    file = values(tmp_path, engine=slow, load={"warmup_prompts": 0})
    mark = f"ends-{tmp_path.name}-{os.getpid()}"
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "assay.commands.main", "run", str(file)],
        env={**os.environ, MARK: mark, "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    watched = threading.Event()

    def watch() -> None:
        while not watched.is_set():
            if select.select([ours], [], [], 0.1)[0]:
                os.read(ours, 4096)

    reader = threading.Thread(target=watch)
    reader.start()
    while not any(path.stat().st_size for path in tmp_path.glob("results/*/runs/*/parts/issued.bin")):
        assert process.poll() is None
        time.sleep(0.05)
    watched.set()
    reader.join()
    os.close(ours)
    assert process.wait(120) == 130
    assert still_running(mark) == []
    folder, state = latest(tmp_path / "results")
    assert [entry.status for entry in state.runs] == [RunStatus.INTERRUPTED]
    assert state.sessions[-1].ended_utc is not None
    assert not list(folder.runs.glob("*/parts"))


def test_what_is_ignored_as_it_starts_stays_ignored(tmp_path: Path) -> None:
    program = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)" + _PROGRAM.format(
        part=LOADED.format(name="SIGHUP").replace("await asyncio.sleep(600)", "")
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "run", str(values(tmp_path))], capture_output=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
