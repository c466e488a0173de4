"""Shapes of load: what they are called, what bounds them, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from assay.runs.scenarios import drives
from assay.runs.shapes import LoadShape

SHAPES: TypeAdapter[LoadShape] = TypeAdapter(LoadShape)
TITLES: list[tuple[dict[str, Any], str, str]] = [
    ({"kind": "concurrency", "concurrency": 8}, "8 in flight", "Concurrency"),
    ({"kind": "rate", "rate": 4}, "4 samples/s asked for (Poisson)", "Rate"),
    ({"kind": "rate", "rate": 4167, "arrivals": "poisson"}, "4,167 samples/s asked for (Poisson)", "Rate"),
    ({"kind": "rate", "rate": 0.5, "arrivals": "constant"}, "0.5 samples/s asked for (evenly spaced)", "Rate"),
    (
        {"kind": "rate", "rate": 4, "arrivals": "gamma", "burstiness": 0.25},
        "4 samples/s asked for (gamma, burstiness 0.25)",
        "Rate",
    ),
    (
        {"kind": "ramp", "of": "rate", "from": 1, "to": 9, "over_s": 60},
        "1 to 9 samples/s asked for (Poisson), over 60 s",
        "Rate",
    ),
    (
        {"kind": "ramp", "of": "concurrency", "from": 1, "to": 9, "over_s": 60},
        "1 to 9 in flight, over 60 s",
        "Concurrency",
    ),
    ({"kind": "trace", "speed": 2}, "trace, 2 times as fast", "Trace"),
    ({"kind": "sessions", "concurrency": 1}, "1 conversation at once, each at one endpoint", "Sessions"),
    (
        {"kind": "sessions", "rate": 2, "sticky": False, "history": "live"},
        "2 conversations begin a second, turns at any endpoint, live history",
        "Sessions",
    ),
]


@pytest.mark.parametrize(("data", "title", "scenario"), TITLES)
def test_a_shape_says_what_it_is_and_survives_its_file(data: dict[str, Any], title: str, scenario: str) -> None:
    shape = SHAPES.validate_python(data)
    assert shape.title == title
    assert shape.scenario == scenario
    assert drives(shape.scenario) == "pacer"
    assert SHAPES.validate_json(shape.model_dump_json()) == shape


@pytest.mark.parametrize(
    ("bounds", "most", "lasts_s"),
    [
        ({}, 50, None),
        ({"requests": 7}, 7, None),
        ({"duration_s": 3}, None, 3),
        ({"requests": 7, "duration_s": 3}, 7, 3),
    ],
)
def test_without_a_bound_it_is_every_sample_once(
    bounds: dict[str, Any], most: int | None, lasts_s: float | None
) -> None:
    shape = SHAPES.validate_python({"kind": "rate", "rate": 1, **bounds})
    assert (shape.most_requests(50), shape.lasts_s) == (most, lasts_s)


def test_a_ramp_without_a_bound_ends_with_its_rise() -> None:
    ramp = SHAPES.validate_python({"kind": "ramp", "of": "rate", "from": 1, "to": 2, "over_s": 30})
    assert (ramp.most_requests(50), ramp.lasts_s) == (None, 30)
    longer = SHAPES.validate_python({**ramp.model_dump(), "duration_s": 90})
    assert longer.lasts_s == 90


@pytest.mark.parametrize(
    "data",
    [
        {"kind": "rate", "rate": 4, "burstiness": 2},
        {"kind": "rate", "rate": 0},
        {"kind": "concurrency", "concurrency": 0},
        {"kind": "concurrency", "concurrency": 1, "requests": 0},
        {"kind": "sessions"},
        {"kind": "sessions", "rate": 1, "concurrency": 1},
        {"kind": "rate", "rate": float("nan")},
        {"kind": "ramp", "of": "rate", "from": 1, "to": 2},
    ],
)
def test_a_load_that_means_nothing_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SHAPES.validate_python(data)
