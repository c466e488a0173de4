"""What a load asks of the client, and how many workers that takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.simulated import make_plan

from assay.load.demand import CORE_TOKENS_PER_S, STREAMS_A_WORKER, Demand, demand_of
from assay.load.pacer import Timetable
from assay.load.plan import UNLIMITED, LoadPlan


def plan(folder: Path, endpoints: int = 1, scenario: str = "Offline", **changes: Any) -> LoadPlan:
    urls = [f"http://10.0.0.{number + 1}:8000" for number in range(endpoints)]
    many = {} if "shape" in changes else {"loadgen": {"queries": 1_000_000, **changes.pop("loadgen", {})}}
    return make_plan(folder / "run", urls, scenario, **many, **changes)


def workers(folder: Path, cores: int, **changes: Any) -> int:
    return demand_of(plan(folder, **changes)).workers(cores)


@pytest.mark.parametrize(
    ("endpoints", "window", "cores", "expected"),
    [
        (1, 4096, 64, 16),
        (1, 4096, 16, 14),  # two are LoadGen's and the system's
        (8, 32, 16, 1),
        (9, 32, 16, 2),
        (1024, 4, 64, 16),
        (1024, 512, 64, 62),
        (1024, 512, 3, 1),
        (1024, 512, 1, 1),
    ],
)
def test_workers_by_requests_in_flight_and_cores(
    tmp_path: Path, endpoints: int, window: int, cores: int, expected: int
) -> None:
    assert workers(tmp_path, cores, endpoints=endpoints, window=window) == expected


def test_windows_that_warmup_will_find_count_as_the_largest_that_it_looks_for(tmp_path: Path) -> None:
    asked = demand_of(plan(tmp_path, endpoints=2, window=None))
    assert (asked.streams, asked.guessed) == (1024, True)


def test_a_short_run_has_no_more_in_flight_than_it_has_samples(tmp_path: Path) -> None:
    short = {"samples": 100, "loadgen": {"queries": None}}
    assert demand_of(plan(tmp_path, endpoints=2, window=4096, **short)).streams == 100
    assert demand_of(plan(tmp_path, endpoints=2, window=None, **short)).streams == 100
    official = {"samples": 100, "loadgen": {"official": True}}
    assert demand_of(plan(tmp_path, window=4096, **official)).streams == 4096, "its count isn't the samples'"


def test_arrivals_count_by_the_tokens_that_they_bring(tmp_path: Path) -> None:
    asked = {"scenario": "Server", "endpoints": 2, "window": 4096, "max_tokens": 128}
    slow = demand_of(plan(tmp_path, loadgen={"target_qps": 100.0}, **asked))
    assert slow.tokens_per_s == 12_800
    assert slow.workers(64) == 1
    fast = demand_of(plan(tmp_path, loadgen={"target_qps": 2.5 * CORE_TOKENS_PER_S / 128}, **asked))
    assert fast.workers(64) == 5, "at half of each core"
    held = demand_of(plan(tmp_path, loadgen={"target_qps": 1e6}, **{**asked, "window": STREAMS_A_WORKER}))
    assert held.workers(64) == 2, "no more than the windows let through"


def test_answers_that_differ_in_length_count_by_their_mean(tmp_path: Path) -> None:
    limits = {"samples": 2, "max_tokens": 100, "answer_limits": [100, 20]}
    assert demand_of(plan(tmp_path, scenario="Server", loadgen={"target_qps": 10.0}, **limits)).tokens_per_s == 600


@pytest.mark.parametrize(
    ("shape", "streams"),
    [
        ({"kind": "concurrency", "concurrency": 4096, "requests": 9000}, 4096),
        ({"kind": "ramp", "of": "concurrency", "from": 1, "to": 600, "over_s": 5, "requests": 9000}, 600),
        ({"kind": "sessions", "concurrency": 300, "duration_s": 9}, 300),
        ({"kind": "rate", "rate": 5, "duration_s": 9}, None),
        ({"kind": "rate", "rate": 5, "requests": 48}, 48),
    ],
)
def test_a_fixed_number_in_flight_is_over_all_endpoints(
    tmp_path: Path, shape: dict[str, Any], streams: int | None
) -> None:
    assert demand_of(plan(tmp_path, endpoints=4, shape=shape, window=UNLIMITED)).streams == streams


def test_single_stream_is_one_request_whatever_the_window(tmp_path: Path) -> None:
    asked = demand_of(plan(tmp_path, scenario="SingleStream", window=4096))
    assert (asked.streams, asked.workers(64)) == (1, 1)


def test_a_traces_rate_is_its_own_times_and_conversations_bring_their_turns(tmp_path: Path) -> None:
    second = 1_000_000_000
    times = Timetable.of([0, second, 2 * second, 4 * second], ["a", "a", "a", "b"], [None] * 4)
    asked = {"window": UNLIMITED, "max_tokens": 10, "timetable": times}
    assert demand_of(plan(tmp_path, shape={"kind": "trace", "speed": 2.0}, **asked)).tokens_per_s == 20
    assert demand_of(plan(tmp_path, shape={"kind": "sessions", "rate": 3.0}, **asked)).tokens_per_s == 60


def test_a_load_of_which_nothing_is_known_takes_a_worker_for_eight_endpoints() -> None:
    assert Demand(windows=(UNLIMITED,) * 9).workers(64) == 2
