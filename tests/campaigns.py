"""Small campaigns on simulated nodes, and whether anything of them still runs."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from assay.config import Config, load_config
from assay.runs import CampaignFolder, CampaignState, Result, RunEntry, read_campaign
from assay.runs.campaign import find_campaigns

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
    """A listener that keeps what it is told; `on_run` is called as a run begins."""

    def __init__(self, on_run: Callable[[RunEntry], None] | None = None) -> None:
        self.said: list[str] = []
        self.ended: list[str] = []
        self._on_run = on_run

    def say(self, text: str) -> None:
        self.said.append(text)

    def run_begins(self, entry: RunEntry, number: int, total: int, samples: int) -> None:
        if self._on_run:
            self._on_run(entry)

    def progress(self, facts: dict[str, Any]) -> None:
        pass

    def run_ends(self, entry: RunEntry, result: Result | None) -> None:
        self.ended.append(entry.key)


def latest(output: Path) -> tuple[CampaignFolder, CampaignState]:
    folder = find_campaigns(output)[-1]
    return folder, read_campaign(folder)


def marked_environment() -> tuple[dict[str, str], str]:
    """An environment that every process started from it inherits, and the mark to find them by."""
    mark = uuid.uuid4().hex
    return {**os.environ, MARK: mark}, mark


def still_running(mark: str) -> list[str]:
    """The command lines of processes that carry the mark."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:  # it ended meanwhile, or isn't ours
            continue
    return found
