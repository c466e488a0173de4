"""A campaign from configuration to report: servers up, runs one after another, servers down."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.metadata
import platform
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from assay import __version__
from assay.campaign.execute import Bench, execute, run_folder
from assay.campaign.plan import plan_runs
from assay.campaign.prepare import Prepared, prepare
from assay.cluster import Deployment, nodes_of
from assay.cluster.probing import probe_here
from assay.config import Config, dump_config
from assay.engines import build_engine
from assay.errors import AssayError
from assay.runs import (
    CampaignFolder,
    CampaignState,
    EndpointFacts,
    Result,
    RunEntry,
    RunStatus,
    SystemRecord,
    new_id,
    write_json,
    write_text,
)

_LEAST_LIMIT_S = 900.0
_PACKAGES = ("mlcommons-loadgen", "uvloop", "httptools", "numpy", "openvino-genai", "tokenizers", "rouge-score-rs")


class Listener(Protocol):
    """Who is told how a campaign goes: the terminal, or nobody."""

    def say(self, text: str) -> None: ...
    def run_begins(self, entry: RunEntry, number: int, total: int, samples: int) -> None: ...
    def progress(self, facts: dict[str, Any]) -> None: ...
    def run_ends(self, entry: RunEntry, result: Result | None) -> None: ...


@dataclass
class Outcome:
    """What a campaign left."""

    folder: CampaignFolder
    state: CampaignState
    results: list[Result] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Every run completed, with all its samples answered."""
        return all(entry.status is RunStatus.COMPLETED for entry in self.state.runs)


async def run_campaign(config: Config, listener: Listener) -> Outcome:
    """Carry the campaign out. Raises UserError before anything starts, LaunchError where servers don't come up.

    On cancellation the run in progress is closed as interrupted, the servers are stopped, and it is passed on.
    """
    with tempfile.TemporaryDirectory(prefix="assay-") as scratch:
        prepared = prepare(config, build_engine(config.engine).model, Path(scratch), listener.say)
        folder, state = _begin(config)
        listener.say(f"campaign folder {folder.path}")
        outcome = Outcome(folder, state)
        listener.say(f"starting {config.engine.kind} on {', '.join(node.name for node in nodes_of(config.cluster))}")
        try:
            async with Deployment(config.engine, config.cluster, label=state.id.lower(), folder=folder.path) as up:
                await _carry_out(config, prepared, up, outcome, listener)
        finally:
            state.ended_utc = _now()
            write_json(folder.state, state)
        return outcome


def _begin(config: Config) -> tuple[CampaignFolder, CampaignState]:
    text = dump_config(config)
    now = datetime.now(UTC)
    identity = new_id(now, config.campaign.kind, salt=f"{text}{now.isoformat()}".encode())
    folder = CampaignFolder(config.output / identity)
    folder.runs.mkdir(parents=True)
    state = CampaignState(
        id=identity,
        kind=config.campaign.kind,
        name=config.name,
        started_utc=_now(),
        config_sha256=hashlib.sha256(text.encode()).hexdigest(),
        seed=config.campaign.seed,
        runs=plan_runs(config, [node.name for node in nodes_of(config.cluster)]),
    )
    write_text(folder.config, text)
    write_json(folder.state, state)
    return folder, state


async def _carry_out(config: Config, prepared: Prepared, up: Deployment, outcome: Outcome, listener: Listener) -> None:
    bench = Bench(config, prepared, await _system(up, prepared), up.ready_ns, up.engine.simulated)
    todo = [entry for entry in outcome.state.runs if entry.status is None]
    for number, entry in enumerate(todo, start=1):
        listener.run_begins(entry, number, len(todo), _samples(bench, entry))
        await _one(bench, entry, up.endpoints, outcome, listener)
        if config.campaign.stop_on_failure and entry.status is not RunStatus.COMPLETED:
            for left in todo[number:]:
                left.status, left.reason = RunStatus.SKIPPED, f"{entry.key} ended as {entry.status}"
            return


async def _one(
    bench: Bench, entry: RunEntry, endpoints: Sequence[EndpointFacts], outcome: Outcome, listener: Listener
) -> None:
    folder = run_folder(outcome.folder.runs, entry, bench.config)
    entry.run = folder.id
    write_json(outcome.folder.state, outcome.state)
    taking_part = [endpoint.model_copy() for endpoint in endpoints if endpoint.node in entry.nodes]
    limit_s = bench.config.campaign.run_timeout_s or _limit_s(bench, entry)
    result = None
    try:
        record = await execute(bench, entry, taking_part, folder, limit_s, listener.progress)
        entry.status, entry.reason = record.status, record.reason
    except asyncio.CancelledError:
        entry.status, entry.reason = RunStatus.INTERRUPTED, "stopped by the user"
        raise
    except AssayError as error:
        entry.status, entry.reason = RunStatus.FAILED, str(error)
    finally:
        write_json(outcome.folder.state, outcome.state)
        if folder.result.exists():
            result = Result.model_validate_json(folder.result.read_bytes())
            outcome.results.append(result)
            from assay.report import render_run

            render_run(folder)
        listener.run_ends(entry, result)


def _samples(bench: Bench, entry: RunEntry) -> int:
    """Samples that the run will issue; for official runs LoadGen decides, and this is its least."""
    whole = len(bench.prepared.dataset)
    return whole if entry.mode == "accuracy" else bench.config.queries.get(entry.scenario, whole)


def _limit_s(bench: Bench, entry: RunEntry) -> float:
    """A generous limit: a minute a sample in sequence would be slow even for a CPU; official runs take hours."""
    if bench.config.official:
        return 24 * 3600.0
    return _LEAST_LIMIT_S + 60.0 * _samples(bench, entry) + _samples(bench, entry) / (entry.target_qps or 1.0)


async def _system(up: Deployment, prepared: Prepared) -> SystemRecord:
    here = await asyncio.to_thread(probe_here, "controller")
    versions = {"python": platform.python_version(), "assay": __version__}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return SystemRecord(
        controller=here.model_dump(mode="json"),
        nodes=[node.model_dump(mode="json") for node in up.nodes],
        versions=versions,
        git=_git_state(),
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


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
