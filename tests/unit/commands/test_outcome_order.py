"""In which order the end of a campaign names its loads: plans are in random order."""

from __future__ import annotations

from assay.commands.outcome_text import by_load
from assay.runs import RunEntry
from assay.runs.scenarios import Scenario
from assay.runs.shapes import ConcurrencyShape, LoadShape, RateShape, SessionsShape


def entry(key: str, scenario: Scenario, shape: LoadShape | None = None, **changes: object) -> RunEntry:
    made = RunEntry(key=key, scenario=scenario, mode="performance", nodes=["node-a"], shape=shape)
    return made.model_copy(update=changes)


def keys(*entries: RunEntry) -> list[str]:
    return [one.key for one in by_load(entries)]


def test_from_the_lowest_load_to_the_highest_and_repeats_in_their_order() -> None:
    sixty, four = (entry(f"{rate}", "Server", target_qps=rate) for rate in (60.0, 4.0))
    again = four.model_copy(update={"key": "again", "repeat": 1})
    assert keys(sixty, four, again) == ["4.0", "again", "60.0"]


def test_in_flight_before_arrivals() -> None:
    runs = [
        entry("rate", "Rate", RateShape(rate=2, duration_s=1)),
        entry("many", "Concurrency", ConcurrencyShape(concurrency=32)),
        entry("few", "Concurrency", ConcurrencyShape(concurrency=4)),
    ]
    assert keys(*runs) == ["few", "many", "rate"]


def test_as_planned_where_one_has_no_single_number() -> None:
    sessions = entry("sessions", "Sessions", SessionsShape(concurrency=2))
    assert keys(entry("b", "Server", target_qps=60.0), sessions, entry("a", "Server", target_qps=4.0)) == [
        "b", "sessions", "a",
    ]  # fmt: skip
