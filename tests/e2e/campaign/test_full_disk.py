"""Campaigns whose disk takes no more: one message, nothing left running, and they go on where there is room again."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.campaigns import FAST, Controller, latest, processes_of, settings, write_settings

from assay.runs import RunFolder, RunStatus, read_ledger, read_record

pytestmark = [pytest.mark.resume, pytest.mark.slow]

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
LIMIT_S = 60
"""Of a campaign that takes some seconds: it must end by itself, and never hang."""
ONE = {"nodes": [{"name": "node-a"}]}


@contextmanager
def small_disk(folder: Path, kib: int) -> Iterator[Path]:
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a tmpfs can't be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def slow_campaign(output: Path, file: Path) -> Controller:
    """Its load lasts seconds, and no answer has come when it has begun."""
    engine = {**FAST, "speeds": {}, "ttft_ms": 800, "window": 2}
    values: dict[str, Any] = {"cluster": ONE, "engine": engine, "load": {"warmup_prompts": 0}}
    return Controller(write_settings(file, settings(output, **values)))


def in_load(controller: Controller, output: Path) -> RunFolder:
    """Wait until samples were issued."""
    while not (found := [path for path in output.glob("*/runs/*/parts/issued.bin") if path.stat().st_size]):
        assert not controller.ended, controller.log.read_text()
        time.sleep(0.02)
    return RunFolder(found[0].parent.parent)


def fill(disk: Path) -> Path:
    """Take all the room that is left, to the last page."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    assert os.statvfs(disk).f_bavail == 0
    return ballast


def ended(controller: Controller) -> str:
    """What it said, once it has ended with the exit code of a run that failed, and left nothing."""
    assert controller.wait(LIMIT_S) == 1, controller.log.read_text()
    assert controller.gone()
    told = controller.log.read_text()
    assert "Traceback" not in told
    return told


def goes_on(file: Path, output: Path) -> str:
    """What it says as it is resumed and all its runs complete."""
    resumed = Controller(file, "--resume")
    assert resumed.wait() == 0, resumed.log.read_text()
    assert resumed.gone()
    folder, state = latest(output)
    assert {entry.status for entry in state.runs} == {RunStatus.COMPLETED}
    assert all(read_ledger(folder.run(entry.run or "")).balanced for entry in state.runs)
    assert folder.report.exists()
    return resumed.log.read_text()


@needs_root
def test_a_full_disk_ends_the_campaign_and_it_goes_on_with_more_room(tmp_path: Path) -> None:
    """Full among the second run's own files, before its load."""
    with small_disk(tmp_path / "disk", kib=156) as disk:
        values = settings(
            disk / "results", cluster=ONE, engine={**FAST, "speeds": {}}, load={"warmup_prompts": 0},
            campaign={"repeats": 3},
        )  # fmt: skip
        file = write_settings(tmp_path / "assay.yaml", values)
        told = ended(Controller(file))
        assert "No space left on device; what was measured is kept, `assay run --resume " in told
        done = {entry.key: entry.run for entry in latest(disk / "results")[1].runs if entry.status}
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        goes_on(file, disk / "results")
        assert {entry.key: entry.run for entry in latest(disk / "results")[1].runs}.items() >= done.items()


@needs_root
@pytest.mark.parametrize("roomy", [["progress.jsonl"], ["progress.jsonl", "driver.log"], []])
def test_a_disk_that_fills_during_a_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, roomy: list[str]) -> None:
    """A file may have room on its last page where others can't grow: what is told by one is told all the same."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)  # what standard error couldn't say stays in its buffer
    with small_disk(tmp_path / "disk", kib=16 << 10) as disk:
        file = tmp_path / "assay.yaml"
        controller = slow_campaign(disk / "results", file)
        run = in_load(controller, disk / "results")
        for name in roomy:
            subprocess.run(["fallocate", "--keep-size", "--length", "200k", str(run.path / name)], check=True)
        ballast = fill(disk)
        told = ended(controller)
        assert re.search(r"assay: \S+: No space left on device; what was measured is kept, `assay run --resume ", told)
        ballast.unlink()
        assert "was interrupted, will be run again" in goes_on(file, disk / "results")


def worker(pid: int) -> bool:
    return b"assay.load.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()


def load_process(pid: int) -> bool:
    return b"assay.load.driver" in Path(f"/proc/{pid}/cmdline").read_bytes()


def controller_itself(pid: int) -> bool:
    return b"assay.commands.main" in Path(f"/proc/{pid}/cmdline").read_bytes()


@pytest.mark.parametrize(
    ("which", "longest", "file"),
    [(worker, 0, "parts/attempts-0.arrows"), (load_process, 22 << 10, "mlperf_log_"), (load_process, 0, "mlperf_log_")],
    ids=["a worker's records", "LoadGen's log alone", "all of the load's process"],
)
def test_what_one_process_cannot_write_ends_the_run(
    tmp_path: Path, which: Callable[[int], bool], longest: int, file: str
) -> None:
    """No file of it may grow longer, as on a disk that is full for it alone: the others tell all there is to tell."""
    settings_file, output = tmp_path / "assay.yaml", tmp_path / "results"
    controller = slow_campaign(output, settings_file)
    run = in_load(controller, output)
    (pid,) = [pid for pid in processes_of(controller.mark) if which(pid)]
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (longest, longest))
    told = ended(controller)
    assert f"assay: {run.path}/{file}" in told
    assert "; what was measured is kept, `assay run --resume " in told
    record = read_record(run)
    assert record.status is RunStatus.INTERRUPTED
    assert str(run.path / file) in record.reason
    ledger = read_ledger(run)
    assert ledger.issued == ledger.completed + ledger.failed + ledger.lost == 8
    assert "was interrupted, will be run again" in goes_on(settings_file, output)


@pytest.mark.parametrize("which", [load_process, controller_itself], ids=["the load's process", "the controller"])
def test_a_process_that_may_open_no_more_files(tmp_path: Path, which: Callable[[int], bool]) -> None:
    settings_file, output = tmp_path / "assay.yaml", tmp_path / "results"
    controller = slow_campaign(output, settings_file)
    in_load(controller, output)
    (pid,) = [pid for pid in processes_of(controller.mark) if which(pid)]
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, 3))
    told = ended(controller)
    assert re.search(r"^assay: \S+: Too many open files", told, re.MULTILINE)
    goes_on(settings_file, output)
