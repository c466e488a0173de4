"""The loads that options ask for, and what is told of options that can't be read."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from assay.commands.bench.loads import DEFAULT_DURATION_S, loads_of
from assay.errors import UserError
from assay.runs.shapes import LoadShape

NOTHING: dict[str, Any] = {
    "concurrency": None,
    "rate": None,
    "arrivals": None,
    "burstiness": None,
    "ramp": None,
    "trace": None,
    "sessions": None,
    "spread": False,
    "requests": None,
    "duration": None,
}


def titles(**options: Any) -> list[str]:
    shapes: TypeAdapter[LoadShape] = TypeAdapter(LoadShape)
    return [shapes.validate_python(load).title for load in loads_of(**{**NOTHING, **options})]


def test_one_load_a_value() -> None:
    assert titles(concurrency="1,8,32", rate="2,4.5") == [
        "1 in flight", "8 in flight", "32 in flight",
        "2 samples/s asked for (Poisson)", "4.5 samples/s asked for (Poisson)",
    ]  # fmt: skip


def test_every_shape_is_one_the_pacer_knows() -> None:
    assert titles(rate="2", burstiness=0.5) == ["2 samples/s asked for (gamma, burstiness 0.5)"]
    assert titles(ramp="1:20:60s") == ["1 to 20 samples/s asked for (Poisson), over 60 s"]
    assert titles(trace=2.0) == ["trace, 2 times as fast"]
    assert titles(sessions="4", spread=True) == ["4 conversations at once, turns at any endpoint"]


def test_without_a_load_one_request_at_a_time_for_a_short_while() -> None:
    assert loads_of(**NOTHING) == [{"kind": "concurrency", "concurrency": 1, "duration_s": DEFAULT_DURATION_S}]


def test_requests_or_time_or_both_bound_a_load() -> None:
    assert loads_of(**{**NOTHING, "requests": 5})[0] == {"kind": "concurrency", "concurrency": 1, "requests": 5}
    both = loads_of(**{**NOTHING, "requests": 5, "duration": "2m"})[0]
    assert (both["requests"], both["duration_s"]) == (5, 120.0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"concurrency": "1,x"}, "whole numbers"),
        ({"concurrency": "1.5"}, "whole numbers"),
        ({"concurrency": "0"}, "above 0"),
        ({"concurrency": "8,8"}, "--repeats"),
        ({"concurrency": "1,,8"}, "single commas"),
        ({"rate": "nan"}, "above 0"),
        ({"rate": "inf"}, "above 0"),
        ({"duration": "60"}, "such as 500ms"),
        ({"duration": "0s"}, "more than 0"),
        ({"ramp": "1:20"}, "FROM:TO:TIME"),
        ({"ramp": "a:b:60s"}, "with numbers"),
        ({"burstiness": 0.5}, "--burstiness goes with --rate"),
        ({"arrivals": "constant", "concurrency": "2"}, "--arrivals goes with --rate"),
        ({"rate": "2", "arrivals": "constant", "burstiness": 0.5}, "gamma, not constant"),
        ({"spread": True}, "--spread goes with --sessions"),
        ({"ramp": "1:2:3s", "duration": "9s"}, "--duration 9s"),
    ],
)
def test_what_cannot_be_read_is_told_with_the_mend(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        loads_of(**{**NOTHING, **options})
