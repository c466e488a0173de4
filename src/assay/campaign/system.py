"""`system.json`: the controller, the nodes, the versions, the state of the working folder."""

from __future__ import annotations

import asyncio
import importlib.metadata
import platform
import subprocess

from assay import __version__
from assay.campaign.prepare import Prepared
from assay.deploy import Deployment
from assay.load.calibration import calibrate
from assay.runs import SystemRecord
from assay.serving.probing import probe_here
from assay.telemetry.cpu_ceiling import cpu_ceiling

_PACKAGES = ("mlcommons-loadgen", "uvloop", "httptools", "numpy", "openvino-genai", "tokenizers", "rouge-score-rs")


async def system_record(up: Deployment, prepared: Prepared) -> SystemRecord:
    """What a campaign's runs run on."""
    here = await asyncio.to_thread(probe_here, "controller")
    versions = {"python": platform.python_version(), "assay": __version__}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return SystemRecord(
        controller=here,
        nodes=up.nodes,
        versions=versions,
        git=await asyncio.to_thread(_git_state),
        # Only a server on this machine's own CPU can be held against what this CPU can do.
        cpu_ceiling=await asyncio.to_thread(cpu_ceiling) if up.on_this_cpu else None,
        client_calibration=await asyncio.to_thread(calibrate),
        model_files=prepared.model_files,
    )


def _git_state() -> dict[str, str]:
    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False, timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    commit = git("rev-parse", "HEAD")
    if commit is None:
        return {}
    return {"commit": commit, "changed_files": str(len((git("status", "--porcelain") or "").splitlines()))}
