"""How many samples a load will issue and how long it lasts, from plans of every kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.simulated import make_plan

from assay.load.outlook import arrivals_per_s, expected_samples, time_left
from assay.load.plan import LoadPlan, PacerPlan
from assay.runs.progress import TimeLeft
from assay.runs.shapes import ConcurrencyShape, LoadShape, RateShape

SECOND = 1_000_000_000


def plan(tmp_path: Path, scenario: str = "Offline", **changes: Any) -> LoadPlan:
    return make_plan(tmp_path / "run", ["http://a.example"], scenario, samples=32, **changes)


def paced(tmp_path: Path, shape: LoadShape) -> LoadPlan:
    own = {"loadgen": None, "pacer": PacerPlan(shape=shape, seed=1), "scenario": shape.scenario}
    return plan(tmp_path).model_copy(update=own)


@pytest.mark.parametrize(
    ("scenario", "changes", "issued", "expected"),
    [
        ("Offline", {}, 0, None),  # LoadGen issues all at once, as many as it likes
        ("Offline", {}, 64, 64),
        ("Server", {"loadgen": {"queries": 100}}, 3, 100),
        ("SingleStream", {}, 3, 32),
        ("SingleStream", {}, 40, 40),  # LoadGen fills up epochs
        ("Server", {"loadgen": {"official": True}}, 3, None),
        ("Server", {"loadgen": {"official": True}, "mode": "accuracy"}, 3, 32),
    ],
)
def test_samples_that_loadgen_will_issue(
    tmp_path: Path, scenario: str, changes: dict[str, Any], issued: int, expected: int | None
) -> None:
    assert expected_samples(plan(tmp_path, scenario, **changes), issued) == expected


def test_samples_that_the_pacer_will_issue(tmp_path: Path) -> None:
    assert expected_samples(paced(tmp_path, ConcurrencyShape(concurrency=2)), 0) == 32
    assert expected_samples(paced(tmp_path, ConcurrencyShape(concurrency=2, requests=50)), 0) == 50
    assert expected_samples(paced(tmp_path, ConcurrencyShape(concurrency=2, requests=50, duration_s=9)), 0) is None
    assert expected_samples(paced(tmp_path, RateShape(rate=2, requests=50, until_sure=True)), 0) is None


def test_only_a_steady_rate_is_one(tmp_path: Path) -> None:
    assert arrivals_per_s(plan(tmp_path)) is None
    assert arrivals_per_s(plan(tmp_path, "Server", loadgen={"target_qps": 3.0})) == 3.0
    assert arrivals_per_s(paced(tmp_path, RateShape(rate=7))) == 7
    assert arrivals_per_s(paced(tmp_path, ConcurrencyShape(concurrency=2))) is None


def left(plan: LoadPlan, elapsed_s: int, issued: int, ended: int) -> TimeLeft | None:
    return time_left(plan, elapsed_ns=elapsed_s * SECOND, issued=issued, ended=ended, latency_ns=SECOND)


def test_what_is_left_says_what_it_rests_on(tmp_path: Path) -> None:
    offline = plan(tmp_path)
    assert left(offline, 10, 40, 0) is None
    assert left(offline, 10, 40, 10) == TimeLeft(ns=30 * SECOND, basis="completed so far")
    server = plan(tmp_path, "Server", loadgen={"queries": 100, "target_qps": 2.0})
    assert left(server, 10, 20, 0) == TimeLeft(ns=41 * SECOND, basis="arrivals")
    assert left(server, 50, 100, 50) == TimeLeft(ns=50 * SECOND, basis="completed so far")
    timed = paced(tmp_path, ConcurrencyShape(concurrency=2, duration_s=30))
    assert left(timed, 10, 20, 19) == TimeLeft(ns=21 * SECOND, basis="duration")
    assert left(timed, 30, 20, 19) == TimeLeft(ns=SECOND, basis="duration")
    assert left(timed, 40, 20, 19) is None, "the last answer is overdue"
    assert left(plan(tmp_path, "Server", loadgen={"official": True}), 10, 20, 19) is None
