"""How many samples LoadGen will issue under its settings, before it does: as LoadGen 6.0.17 decides it.

mlcommons/inference b66003e1: test_settings_internal.cc (the constructor), loadgen.cc (`GenerateQueries`) and
issue_query_controller.cc (`IssueQueriesInternal`). Where samples come in whole epochs (sample_concatenate_permutation,
which the rules ask of language models), counts are filled up to multiples of the samples.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assay.benchmarks.mlperf.schedule import server_schedule_ns
from assay.load import loadgen
from assay.load.plan import LoadgenSettings
from assay.runs.scenarios import Mode

_OFFLINE_SLACK = 1.1
_SINGLE_STREAM_SLACK = 2.0


@dataclass(frozen=True)
class Issued:
    """What LoadGen will issue. Times are seconds after the first sample."""

    samples: int
    at_least: bool
    """Whether the answers' speed decides how many more there are."""
    arrivals_s: float | None
    """When the last sample comes; None where answers set the pace, or all come at once."""
    min_duration_s: float
    """The shortest test that LoadGen calls VALID; it ends no earlier by itself, but in Offline."""
    target_qps: float
    """LoadGen's rate: of arrivals in Server; in Offline and SingleStream what counts are made from."""


def what_loadgen_issues(
    settings: LoadgenSettings, mode: Mode, samples: int, audit_config: str | None = None
) -> Issued:  # fmt: skip
    """For a run of `samples` samples; `audit_config` is the text of the run's audit.config, where it has one."""
    made = _made(settings, mode, samples, audit_config)
    if mode == "accuracy":
        return _accuracy(made, settings, samples)
    match settings.scenario:
        case "Offline":
            return _offline(made, samples)
        case "Server":
            return _server(made, samples)
        case "SingleStream":
            return _single_stream(made, samples)


def replaced(settings: LoadgenSettings, samples: int) -> dict[str, float]:
    """What Assay's own settings leave of what a user.conf may say: by its keys, in its units (times in ms)."""
    made = _made(settings, "performance", samples, None)
    return {
        "min_duration": made.min_duration_ms,
        "min_query_count": made.min_query_count,
        "performance_sample_count_override": made.performance_sample_count_override,
        "sample_concatenate_permutation": made.sample_concatenate_permutation,
        "ttft_latency": made.ttft_latency / 1e6,
        "tpot_latency": made.tpot_latency / 1e6,
    }


def _made(settings: LoadgenSettings, mode: Mode, samples: int, audit_config: str | None) -> Any:
    """LoadGen's TestSettings as it will have them."""
    with tempfile.TemporaryDirectory(prefix="assay-settings-") as folder:
        made = loadgen.test_settings(settings, mode, samples, Path(folder))
        if audit_config is not None:
            file = Path(folder) / "audit.config"
            file.write_text(audit_config, encoding="utf-8")
            loadgen.audited(made, settings, file)
    return made


def _accuracy(made: Any, settings: LoadgenSettings, samples: int) -> Issued:
    """Every sample once."""
    count = min(samples, made.accuracy_sample_count_override or samples)
    rate = made.server_target_qps if settings.scenario == "Server" else 0.0
    last_s = _schedule_s(made, count)[-1] if settings.scenario == "Server" else None
    return Issued(count, False, last_s, 0.0, rate)


def _offline(made: Any, samples: int) -> Issued:
    least_s, epoch = made.min_duration_ms / 1e3, _epoch(made, samples)
    rate = made.offline_expected_qps
    count = max(made.min_query_count, int(_OFFLINE_SLACK * least_s * rate))
    if made.performance_issue_unique:
        count = epoch
    return Issued(_whole(count, epoch) if _in_epochs(made) else count, False, None, least_s, rate)


def _server(made: Any, samples: int) -> Issued:
    """Samples come until the schedule is as long as the shortest duration, whatever becomes of them."""
    least_s, epoch = made.min_duration_ms / 1e3, _epoch(made, samples)
    count = epoch if made.performance_issue_unique else max(1, made.min_query_count)
    step = epoch if _in_epochs(made) else 1
    count = _whole(count, step)
    if not made.performance_issue_unique:
        long = int(np.searchsorted(_schedule_s(made, count, until_s=least_s), least_s)) + 1  # the first not before it
        count = max(count, _whole(long, step) if least_s else 0)
    if made.max_query_count:
        count = min(count, made.max_query_count)
    times_s = _schedule_s(made, count)
    if made.max_duration_ms:
        times_s = times_s[: int(np.searchsorted(times_s, made.max_duration_ms / 1e3, side="right")) + 1]
    return Issued(len(times_s), False, float(times_s[-1]), least_s, made.server_target_qps)


def _single_stream(made: Any, samples: int) -> Issued:
    """One after another until count and duration are both reached."""
    least_s, epoch = made.min_duration_ms / 1e3, _epoch(made, samples)
    rate = 1e9 / made.single_stream_expected_latency_ns
    count = made.min_query_count
    if made.sample_concatenate_permutation:
        # What is a multiple already gets another epoch.
        count = max(count, int(_SINGLE_STREAM_SLACK * least_s * rate))
        count += samples - count % samples
    if made.performance_issue_unique:
        count = epoch
    if made.max_query_count:
        count = min(count, made.max_query_count)
    longer = least_s > 0 and not made.performance_issue_unique and not made.max_query_count
    return Issued(count, longer, None, least_s, rate)


def _epoch(made: Any, samples: int) -> int:
    """Samples that LoadGen draws from."""
    return min(samples, made.performance_sample_count_override or samples)


def _in_epochs(made: Any) -> bool:
    return bool(made.sample_concatenate_permutation)


def _whole(count: int, step: int) -> int:
    return -(-count // step) * step


def _schedule_s(made: Any, count: int, until_s: float = 0.0) -> np.typing.NDArray[np.float64]:
    """When the first `count` queries are due, and more where these end before `until_s`."""
    rate = made.server_target_qps
    while True:
        times_s = server_schedule_ns(made.schedule_rng_seed, rate, count) / 1e9
        if times_s[-1] >= until_s:
            return times_s
        count += int((until_s - times_s[-1]) * rate * 1.1) + 100
