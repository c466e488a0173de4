"""Small campaigns on simulated nodes, and whether anything of them still runs."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from assay.config import Config, load_config
from assay.runs import CampaignFolder, CampaignState, Result, RunEntry, read_campaign, write_json
from assay.runs.campaign import find_campaigns
from assay.runs.campaign_manifest import read_campaign_manifest
from assay.runs.progress import AnyEvent

MARK = "ASSAY_TEST_MARK"
FAST = {
    "kind": "simulated",
    "ttft_ms": 5,
    "itl_ms": 1,
    "output_tokens": 8,
    "window": 4,
    "max_num_seqs": 4,
    "speeds": {"node-b": 2.1},
}


def settings(output: Path, **changes: Any) -> dict[str, Any]:
    """Two simulated nodes, eight prompts, one Offline run; `changes` replace whole sections."""
    return {
        "name": "test",
        "scenarios": ["Offline"],
        "modes": ["performance"],
        "dataset": {"samples": 8},
        "engine": FAST,
        "cluster": {"nodes": [{"name": "node-a"}, {"name": "node-b"}]},
        "load": {"warmup_prompts": 1},
        "output": str(output),
        **changes,
    }


def write_settings(path: Path, values: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(values))
    return path


def config(folder: Path, **changes: Any) -> Config:
    return load_config(write_settings(folder / "assay.yaml", settings(folder / "results", **changes)))


class Quiet:
    """A listener that keeps what it is told; `on_run` is called with its number as a run begins."""

    def __init__(self, on_run: Callable[[int], None] | None = None) -> None:
        self.said: list[str] = []
        self.ended: list[str] = []
        self._on_run = on_run

    def say(self, text: str) -> None:
        self.said.append(text)

    doing = say

    def begins(self, folder: CampaignFolder) -> None:
        pass

    def run_begins(self, title: str, number: int, total: int, samples: int) -> None:
        if self._on_run:
            self._on_run(number)

    def progress(self, event: AnyEvent) -> None:
        pass

    def run_ends(self, entry: RunEntry, result: Result | None) -> None:
        self.ended.append(entry.key)

    def measured(self, state: CampaignState, results: Sequence[Result]) -> None:
        pass


def interrupting_run(ends: int) -> Callable[[int], None]:
    """For `Quiet`: ends the campaign, as Ctrl-C would, as the run of that number begins."""

    def on_run(number: int) -> None:
        task = asyncio.current_task()
        assert task is not None
        if number == ends:
            task.cancel()

    return on_run


def latest(output: Path) -> tuple[CampaignFolder, CampaignState]:
    folder = find_campaigns(output)[-1]
    return folder, read_campaign(folder)


def reopen(campaign: CampaignFolder) -> None:
    """Its manifest as a controller leaves it that is killed while runs are to be done."""
    manifest = read_campaign_manifest(campaign)
    assert manifest is not None
    write_json(campaign.manifest, manifest.model_copy(update={"closed": False, "files": {}}))


class Controller:
    """`assay run` in a process of its own; what it starts on this machine is found by a mark in the environment."""

    def __init__(self, file: Path, *arguments: str, folder: Path | None = None) -> None:
        self.mark = uuid.uuid4().hex
        self.log = (folder or file.parent) / "controller.log"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "assay.commands.main", "run", str(file), *arguments],
                env={**os.environ, MARK: self.mark},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> int:
        self.send(number)
        return self.wait()

    def wait(self, limit_s: float = 240) -> int:
        return self._process.wait(limit_s)

    def gone(self, limit_s: float = 30) -> bool:
        """Whether all that it started here ends; its servers notice within a moment that it is dead."""
        deadline_s = time.monotonic() + limit_s
        while still_running(self.mark) and time.monotonic() < deadline_s:
            time.sleep(0.1)
        return not still_running(self.mark)


def processes_of(mark: str) -> list[int]:
    """The ids of processes that carry the mark."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (process / "environ").read_bytes().split(b"\0"):
                found.append(int(process.name))
        except OSError:  # it ended meanwhile, or isn't ours
            continue
    return found


def still_running(mark: str) -> list[str]:
    """The command lines of processes that carry the mark."""
    found = []
    for pid in processes_of(mark):
        with suppress(OSError):
            found.append(Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return found
