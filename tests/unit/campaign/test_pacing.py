"""What a load asks of the data set and the client."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from assay.campaign.pacing import check_loads, expected_requests, pacer_plan, window
from assay.datasets import Dataset, Sample
from assay.errors import UserError
from assay.load.plan import UNLIMITED
from assay.runs import RunEntry
from assay.runs.shapes import LoadShape

SHAPES: TypeAdapter[LoadShape] = TypeAdapter(LoadShape)


def shape(**data: Any) -> LoadShape:
    return SHAPES.validate_python(data)


def entry(load: LoadShape | None, repeat: int = 0) -> RunEntry:
    scenario = load.scenario if load else "Offline"
    return RunEntry(key="x", scenario=scenario, mode="performance", nodes=["n"], shape=load, repeat=repeat)


def dataset(*arrivals_ns: int | None) -> Dataset:
    samples = tuple(Sample(index=i, prompt="x", arrival_ns=time) for i, time in enumerate(arrivals_ns))
    return Dataset(
        name="d", path=None, format="prompts", sha256="", total=len(samples), samples=samples, generated=False
    )


@pytest.mark.parametrize(
    ("load", "expected"),
    [
        ({"kind": "concurrency", "concurrency": 8}, 50),
        ({"kind": "concurrency", "concurrency": 8, "requests": 7}, 7),
        ({"kind": "concurrency", "concurrency": 8, "duration_s": 60}, None),
        ({"kind": "rate", "rate": 4, "duration_s": 60}, 240),
        ({"kind": "rate", "rate": 4, "duration_s": 60, "requests": 100}, 100),
        ({"kind": "ramp", "of": "rate", "from": 1, "to": 3, "over_s": 10}, 20),
        ({"kind": "ramp", "of": "rate", "from": 1, "to": 3, "over_s": 10, "duration_s": 5}, 8),
        ({"kind": "ramp", "of": "rate", "from": 1, "to": 3, "over_s": 10, "duration_s": 20}, 50),
    ],
)
def test_how_many_requests_there_will_be(load: dict[str, Any], expected: int | None) -> None:
    assert expected_requests(shape(**load), 50) == expected


@pytest.mark.parametrize(
    ("load", "own", "expected"),
    [
        (None, None, None),
        (None, 16, 16),
        ({"kind": "concurrency", "concurrency": 8}, 4, 8),
        ({"kind": "ramp", "of": "concurrency", "from": 9, "to": 2, "over_s": 1}, None, 9),
        ({"kind": "rate", "rate": 4}, None, UNLIMITED),
        ({"kind": "rate", "rate": 4}, 16, 16),
    ],
)
def test_the_window_of_an_endpoint(load: dict[str, Any] | None, own: int | None, expected: int | None) -> None:
    assert window(entry(shape(**load) if load else None), own) == expected


def test_repeats_have_arrivals_of_their_own(tmp_path: Any) -> None:
    load = shape(kind="rate", rate=4)
    plans = [pacer_plan(entry(load, repeat), 5, tmp_path / "t.npy") for repeat in (0, 1)]
    assert [plan.seed for plan in plans if plan] == [5, 6]
    assert pacer_plan(entry(None), 5, tmp_path / "t.npy") is None


def test_a_trace_needs_times() -> None:
    check_loads([shape(kind="trace")], dataset(0, 5))
    with pytest.raises(UserError, match="1 of 2 samples of d have none"):
        check_loads([shape(kind="trace")], dataset(0, None))
    check_loads([shape(kind="rate", rate=1)], dataset(None))
