"""What the terminal says below the table."""

from __future__ import annotations

from assay.analysis.loads import LoadRow
from assay.commands.notices import notices_text
from assay.runs.shapes import ConcurrencyShape


def row(number: int, *notices: str) -> LoadRow:
    shape = ConcurrencyShape(concurrency=number)
    return LoadRow(
        load=shape.title, shape=shape, runs=["r"], issued=1, ok=1, failed=0, lost=0, latency={}, notices=list(notices)
    )


def test_each_notice_once_with_the_loads_it_is_about() -> None:
    text = notices_text([row(1, "All of it."), row(8, "All of it.", "Only here " + "and there " * 12)], 60)
    lines = text.strip().splitlines()
    assert lines[0] == "- All of it."
    assert lines[1].startswith("- 8 in flight: Only here")
    assert max(map(len, lines)) <= 60
    assert text.count("All of it.") == 1


def test_nothing_to_say_is_nothing() -> None:
    assert notices_text([row(1)], 80) == ""
