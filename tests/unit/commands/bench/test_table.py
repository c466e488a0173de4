"""The table: every load in its row, nothing cut off at any width."""

from __future__ import annotations

import pytest

from assay.analysis.loads import LoadRow, Value
from assay.commands.bench.table import table_text
from assay.runs.shapes import ConcurrencyShape


def row(number: int, *, goodput: bool = False) -> LoadRow:
    percentiles = {
        "p50": Value(value=51_200_000, low=50_900_000, high=51_600_000),
        "p95": Value(value=80_000_000, low=75_000_000, high=None),
        "p99": Value(value=90_000_000),
    }
    shape = ConcurrencyShape(concurrency=number)
    return LoadRow(
        load=shape.title,
        shape=shape,
        runs=["run"],
        issued=100,
        ok=98,
        failed=2,
        samples_per_s=Value(value=12.345, low=11.5, high=13.25),
        output_tokens_per_s=Value(value=1580.2, low=1500, high=1660),
        goodput_per_s=Value(value=11, low=10, high=12) if goodput else None,
        good_share=Value(value=0.9, low=0.85, high=0.94) if goodput else None,
        latency={"ttft_ns": percentiles, "latency_ns": percentiles},
    )


@pytest.mark.parametrize("width", [80, 100, 160, 220])
def test_every_load_has_its_row_and_fits(width: int) -> None:
    text = table_text([row(1), row(32)], width)
    lines = text.splitlines()
    assert max(map(len, lines)) <= width
    assert any(line.startswith("1 in flight") and "98" in line for line in lines)
    assert any(line.startswith("32 in flight") and "98" in line for line in lines)
    assert "12.35 (11.5-13.25)" in text
    assert "1580 (1500-1660)" in text
    assert "51.2" in text


def test_open_ends_and_absent_figures_are_shown_as_such() -> None:
    text = table_text([row(1)], 100)
    assert "80 (75-?)" in text
    assert " 90" in text
    tpot = next(line for line in text.splitlines() if "TPOT" in line)
    assert tpot.split()[-3:] == ["-", "-", "-"]


def test_goodput_has_columns_only_where_limits_were_set() -> None:
    assert "good/s" not in table_text([row(1)], 120)
    shown = table_text([row(1, goodput=True)], 120)
    assert "good/s" in shown
    assert "90 % (85-94)" in shown
