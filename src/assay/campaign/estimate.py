"""How long runs will take: from runs that were measured, from their settings, or unknown. Nothing is invented."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from assay.benchmarks import Benchmark
from assay.campaign.pacing import expected_requests
from assay.campaign.servers import campaign_nodes
from assay.config import Config
from assay.datasets import Dataset
from assay.engines import build_engine
from assay.errors import UserError
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
        self._benchmark = benchmark
        self._samples = samples
        self._sha256 = dataset_sha256
        self._nodes = campaign_nodes(config)
        self._engine = build_engine(config.engine)
        self._known: list[RunRecord] = []
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
            and record.benchmark == self._benchmark.name
            and record.dataset_sha256 == self._sha256
            and record.samples == self._samples
            and record.official == config.official
            and all(self._same_endpoint(endpoint.node, endpoint.engine, endpoint.settings, endpoint.model)
                    for endpoint in record.endpoints)
        )  # fmt: skip

    def _same_endpoint(self, node: str, engine: str, settings: dict[str, Any], model: str) -> bool:
        ours = self._engine
        wanted = orjson.loads(orjson.dumps(ours.settings(node), option=orjson.OPT_SERIALIZE_NUMPY, default=str))
        return node in self._nodes and (engine, model) == (ours.kind, ours.model) and settings == wanted

    def samples(self, entry: RunEntry) -> int:
        """Samples that a run will issue; for official runs LoadGen decides, and this is its least.

        0 where only the run's time ends it and nobody knows how many it will be.
        """
        if entry.shape is not None:
            return expected_requests(entry.shape, self._samples) or 0
        if entry.compliance is not None:
            return 100
        asked = entry.queries or self._samples
        if entry.mode == "accuracy":
            return self._samples
        if self._config.official:
            asked = max(self._samples, self._benchmark.scenarios[entry.scenario].min_query_count)
        if entry.scenario == "SingleStream" and (self._config.official or asked % self._samples == 0):
            # Where samples come in whole epochs (sample_concatenate_permutation), LoadGen fills SingleStream's
            # min_query_count up to the next multiple of them, and one that is a multiple already gets another epoch:
            # TestSettingsInternal, loadgen/test_settings_internal.cc; so it does in 6.0.17.
            asked += self._samples - asked % self._samples
        return asked

    def estimate(self, entry: RunEntry) -> TimeEstimate:
        """The best that is known of one run."""
        samples = self.samples(entry)
        same = [record for record in self._known if self._same_work(record, entry)]
        if exact := [record for record in same if _nodes(record) == set(entry.nodes)]:
            share = samples / exact[0].issued if samples else 1.0
            return TimeEstimate(_seconds(exact[0]) * share, f"as measured in run {exact[0].id}")
        if (from_rules := self._from_settings(entry, samples)) is not None:
            return from_rules
        singles = {node: record for record in reversed(same) for node in _nodes(record) if len(_nodes(record)) == 1}
        if samples and all(node in singles for node in entry.nodes):
            rate = sum(singles[node].issued / _seconds(singles[node]) for node in entry.nodes)
            return TimeEstimate(samples / rate, "assuming that the measured rates of its nodes add up")
        return TimeEstimate(None, "no earlier run of this work on these nodes")

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
        )

    def _from_settings(self, entry: RunEntry, samples: int) -> TimeEstimate | None:
        """What the rate of arrivals or the rules' shortest duration tell."""
        if entry.mode == "accuracy" or entry.compliance is not None:
            return None
        seconds, basis = 0.0, ""
        if entry.shape is not None:
            return _from_shape(entry.shape, samples)
        if is_paced(entry.scenario) and entry.target_qps:
            seconds, basis = samples / entry.target_qps, f"{samples} arrivals at {entry.target_qps:g} a second"
        if self._config.official:
            least = self._benchmark.scenarios[entry.scenario].min_duration_ns / 1e9
            if least > seconds:
                seconds, basis = least, "the rules' shortest duration"
        return TimeEstimate(seconds, basis, at_least=True) if seconds else None


def _from_shape(shape: LoadShape, samples: int) -> TimeEstimate | None:
    """What the pacer's schedule tells: when the last request is sent."""
    if shape.lasts_s is not None:
        return TimeEstimate(shape.lasts_s, f"{shape.title}, sent for {shape.lasts_s:g} s", at_least=True)
    if isinstance(shape, RateShape):
        even = shape.arrivals == "constant"  # random ones may all come sooner
        return TimeEstimate(samples / shape.rate, f"{samples} arrivals at {shape.rate:g} a second", at_least=even)
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
