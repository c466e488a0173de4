"""True campaigns to forge: every driver and mode, carried out on simulated servers. Nothing here measures a model.

`recorded` gives those that are kept beside the tests, so that no test hangs on how a machine is doing; `make` carries
them out anew, with the code as it is.
"""

from __future__ import annotations

import asyncio
import shutil
import tarfile
from pathlib import Path
from typing import Any

from tests.campaigns import Quiet, config, latest

from assay.campaign.runner import run_campaign

ARCHIVE = Path(__file__).resolve().parents[1] / "recorded" / "true-campaigns.tar.xz"

# Slow enough that a tenth of a latency is more than a busy machine adds.
_ENGINE = {
    "kind": "simulated", "ttft_ms": 200, "itl_ms": 20, "output_tokens": 16, "window": 4, "max_num_seqs": 4,
    "jitter": 0.2,
}  # fmt: skip
_LOADS = [
    {"kind": "concurrency", "concurrency": 3, "requests": 24},
    {"kind": "rate", "rate": 8, "requests": 24},
    {"kind": "concurrency", "concurrency": 4, "duration_s": 2.5},
    {"kind": "sessions", "concurrency": 2, "requests": 8},
]
CAMPAIGNS: dict[str, dict[str, Any]] = {
    "offline": {
        "scenarios": ["Offline"],
        "modes": ["performance", "accuracy"],
        "campaign": {"kind": "single", "repeats": 2},
    },
    "paced": {
        "scenarios": ["Server", "Interactive", "SingleStream"],
        "target_qps": {"Server": 8.0, "Interactive": 8.0},
        "queries": {"SingleStream": 8},
    },
    "pacer": {"campaign": {"kind": "bench", "loads": _LOADS}},
}


def make(parent: Path) -> dict[str, Path]:
    """Carry every campaign out below `parent`; their folders by name."""
    return {name: _carry_out(parent / name, changes) for name, changes in CAMPAIGNS.items()}


def _carry_out(folder: Path, changes: dict[str, Any]) -> Path:
    folder.mkdir(parents=True)
    settings = config(folder, engine=_ENGINE, dataset={"samples": 24}, **changes)
    outcome = asyncio.run(run_campaign(settings, Quiet()))
    if not outcome.sound:
        raise RuntimeError(f"{folder}: {[entry.reason for entry in outcome.state.runs]}")
    return latest(settings.output)[0].path


def recorded(parent: Path) -> dict[str, Path]:
    """Unpack the recorded campaigns below `parent`; their folders by name."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(parent, filter="data")
    return {name: parent / name for name in CAMPAIGNS}


def record(parent: Path) -> None:
    """Carry the campaigns out below `parent` and keep them, without what is rendered from the rest."""
    with tarfile.open(ARCHIVE, "w:xz") as archive:
        for name, folder in make(parent).items():
            for page in [*folder.rglob("report.*"), *folder.rglob("charts"), folder / "servers"]:
                shutil.rmtree(page) if page.is_dir() else page.unlink(missing_ok=True)
            archive.add(folder, name)
