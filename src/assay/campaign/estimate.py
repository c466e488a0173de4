"""How long runs will take: from runs that were measured, from their settings, or unknown. Nothing is invented."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from assay.benchmarks import Benchmark
from assay.campaign.loadgen_settings import issued, user_conf_lines
from assay.campaign.pacing import expected_requests
from assay.campaign.servers import campaign_nodes
from assay.config import Config
from assay.datasets import Dataset
from assay.engines import build_engine
from assay.errors import UserError
from assay.load.issue import Issued
from assay.runs import CampaignFolder, RunEntry, RunFolder, RunRecord, RunStatus, read_record
from assay.runs.campaign import find_campaigns
from assay.runs.scenarios import is_paced
from assay.runs.shapes import LoadShape, RateShape

_NEWEST = 200  # run records that are looked through


@dataclass(frozen=True)
class TimeEstimate:
    """Seconds that a run takes, warm-up included; None: unknown. `basis` says where the number comes from."""

    seconds: float | None
    basis: str
    at_least: bool = False

    def __str__(self) -> str:
        if self.seconds is None:
            return f"unknown ({self.basis})"
        return f"{'at least' if self.at_least else 'about'} {duration(self.seconds)} ({self.basis})"


class Estimator:
    """Estimates from earlier runs of the same work on the same endpoints."""

    def __init__(self, config: Config, benchmark: Benchmark, samples: int, dataset_sha256: str) -> None:
        self._config = config
        self.benchmark = benchmark
        self._samples = samples
        self._sha256 = dataset_sha256
        self._nodes = campaign_nodes(config)
        self._engine = build_engine(config.engine)
        self._known: list[RunRecord] = []
        self._issued: dict[tuple[object, ...], Issued] = {}
        self.problems: list[str] = []
        """Runs that can't be read, and so aren't learnt from."""

    def learn_from(self, folders: Sequence[CampaignFolder]) -> None:
        """Take in the completed runs of campaigns, the newest first."""
        paths = [path for folder in reversed(folders) for path in sorted(folder.runs.glob("*/run.json"), reverse=True)]
        self._known, self.problems = [], []
        for path in paths[:_NEWEST]:
            try:
                record = read_record(RunFolder(path.parent))
            except UserError as error:
                self.problems.append(str(error))
                continue
            if self._fits(record):
                self._known.append(record)

    def _fits(self, record: RunRecord) -> bool:
        config = self._config
        return (
            record.status is RunStatus.COMPLETED
            and record.ended_utc is not None
            and record.issued > 0
            and record.benchmark == self.benchmark.name
            and record.dataset_sha256 == self._sha256
            and record.samples == self._samples
            and record.official == (config.official and not record.planning)
            and all(self._same_endpoint(endpoint.node, endpoint.engine, endpoint.settings, endpoint.model)
                    for endpoint in record.endpoints)
        )  # fmt: skip

    def _same_endpoint(self, node: str, engine: str, settings: dict[str, Any], model: str) -> bool:
        ours = self._engine
        return node in self._nodes and (engine, model) == (ours.kind, ours.model) and ours.same(node, settings)

    def samples(self, entry: RunEntry) -> int:
        """Samples that a run will issue: LoadGen's own count, which is the least where time and answers decide.

        0 where only the run's time ends it and nobody knows how many it will be.
        """
        if entry.shape is not None:
            return expected_requests(entry.shape, self._samples) or 0
        return self.issued(entry).samples

    def issued(self, entry: RunEntry) -> Issued:
        """What LoadGen will issue in a run that it drives."""
        work = (entry.scenario, entry.mode, entry.queries, entry.target_qps, entry.compliance, entry.planning)
        if work not in self._issued:
            self._issued[work] = issued(self._config, self.benchmark, entry, self._samples)
        return self._issued[work]

    def user_conf(self, runs: Sequence[RunEntry]) -> list[str]:
        """What the user.conf does to the planned runs, in words."""
        return user_conf_lines(self._config, self.benchmark, runs, self._samples)

    def estimate(self, entry: RunEntry) -> TimeEstimate:
        """The best that is known of one run."""
        samples = self.samples(entry)
        if not entry.as_configured:
            return TimeEstimate(None, "no earlier run with its settings is looked for")
        same = [record for record in self._known if self._same_work(record, entry)]
        if exact := [record for record in same if _nodes(record) == set(entry.nodes)]:
            share = samples / exact[0].issued if samples else 1.0
            return TimeEstimate(_seconds(exact[0]) * share, f"as measured in run {exact[0].id}")
        told = [self._from_settings(entry, samples), self._from_offline(entry, samples)]
        if known := [estimate for estimate in told if estimate is not None]:
            return max(known, key=lambda estimate: estimate.seconds or 0.0)
        singles = {node: record for record in reversed(same) for node in _nodes(record) if len(_nodes(record)) == 1}
        if samples and all(node in singles for node in entry.nodes):
            rate = sum(singles[node].issued / _seconds(singles[node]) for node in entry.nodes)
            return TimeEstimate(samples / rate, "assuming that the measured rates of its nodes add up")
        return TimeEstimate(None, "no earlier run of this work on these nodes")

    def _from_offline(self, entry: RunEntry, samples: int) -> TimeEstimate | None:
        """Answers come no faster than in Offline, which has as many in flight as the servers take."""
        if entry.shape is None and not entry.measures and samples:
            for record in self._known:
                if record.scenario == "Offline" and record.shape is None and _nodes(record) == set(entry.nodes):
                    seconds = samples * _seconds(record) / record.issued
                    return TimeEstimate(seconds, f"at the rate of Offline run {record.id}")
        return None

    def _same_work(self, record: RunRecord, entry: RunEntry) -> bool:
        windows = {endpoint.window for endpoint in record.endpoints}
        wanted = None if entry.shape else entry.window or self._engine.window
        paced = is_paced(entry.scenario) and entry.mode == "performance"
        return (
            (record.scenario, record.mode) == (entry.scenario, entry.mode)
            and (wanted is None or windows == {wanted})
            and (not paced or record.target_qps == entry.target_qps)
            and record.shape == entry.shape
            and record.compliance == entry.compliance
            and record.planning == entry.planning
        )

    def _from_settings(self, entry: RunEntry, samples: int) -> TimeEstimate | None:
        """What the schedule of arrivals, the shortest duration or an expected rate tell."""
        if entry.shape is not None:
            return _from_shape(entry.shape, samples) if entry.mode == "performance" else None
        if entry.compliance is not None:
            return None
        load = self.issued(entry)
        if load.arrivals_s is not None and load.target_qps == entry.target_qps:
            basis = f"{samples:,} arrivals at {load.target_qps:,g} a second"
            return TimeEstimate(load.arrivals_s, basis, at_least=True)
        if entry.mode == "accuracy":
            return None
        if load.at_least:  # Offline alone ends sooner where the answers are all there
            return TimeEstimate(load.min_duration_s, "the shortest duration that is set", at_least=True)
        if entry.scenario == "Offline" and self._config.official and entry.target_qps:
            basis = f"{samples:,} samples at the {entry.target_qps:,g} a second that target_qps.Offline expects"
            return TimeEstimate(samples / entry.target_qps, basis)
        return None


def _from_shape(shape: LoadShape, samples: int) -> TimeEstimate | None:
    """What the pacer's schedule tells: when the last request is sent."""
    if (sent_s := shape.least_s) is not None:
        return TimeEstimate(sent_s, f"sent for {sent_s:g} s", at_least=True)
    if isinstance(shape, RateShape):
        even = shape.arrivals == "constant"  # random ones may all come sooner
        return TimeEstimate(samples / shape.rate, f"{samples:,} arrivals at {shape.rate:,g} a second", at_least=even)
    return None


def estimator(config: Config, benchmark: Benchmark, dataset: Dataset) -> Estimator:
    """An estimator that knows every run in the output folder."""
    made = Estimator(config, benchmark, len(dataset), dataset.sha256)
    made.learn_from(find_campaigns(config.output))
    return made


def together(estimates: Sequence[TimeEstimate]) -> str:
    """The sum in words: what is known, and how much isn't."""
    known = [estimate for estimate in estimates if estimate.seconds is not None]
    unknown = len(estimates) - len(known)
    if not known:
        return f"unknown: {estimates[0].basis}" if estimates else "nothing to do"
    seconds = sum(estimate.seconds or 0.0 for estimate in known)
    least = unknown > 0 or any(estimate.at_least for estimate in known)
    tail = f", and {unknown} of {len(estimates)} runs unknown" if unknown else ""
    return f"{'at least' if least else 'about'} {duration(seconds)}{tail}"


def count(runs: int) -> str:
    """How many runs, in words."""
    return f"{runs} run{'' if runs == 1 else 's'}"


def duration(seconds: float) -> str:
    """Seconds in words that suit their size."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _nodes(record: RunRecord) -> set[str]:
    return {endpoint.node for endpoint in record.endpoints}


def _seconds(record: RunRecord) -> float:
    assert record.ended_utc is not None
    took = datetime.fromisoformat(record.ended_utc) - datetime.fromisoformat(record.started_utc)
    return max(1e-3, took.total_seconds())
