"""The table: every load in its row, nothing cut off at any width."""

from __future__ import annotations

import pytest

from assay.analysis.loads import LoadRow, Value
from assay.commands.table import scores_text, table_text
from assay.runs.result import AccuracyResult, Score
from assay.runs.shapes import ConcurrencyShape, SessionsShape


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
        failed=1,
        lost=1,
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
    assert "12.35 (11.50 to 13.25)" in text
    assert "1,580 (1,500 to 1,660)" in text
    assert "51.20" in text
    assert lines[-1] == "In brackets: 95 % intervals, where the samples are enough for one."
    assert lines[0].split()[1:3] == ["ok", "unanswered"]


def test_open_ends_and_absent_figures_are_shown_as_such() -> None:
    text = table_text([row(1)], 100)
    assert "80 (75 or more)" in text
    assert "?" not in text
    assert " 90" in text
    tpot = next(line for line in text.splitlines() if "TPOT" in line)
    assert tpot.split()[-3:] == ["-", "-", "-"]


def test_each_loads_latencies_are_below_its_name_in_one_line_each_of_80_columns() -> None:
    lines = table_text([row(1), row(32)], 80).splitlines()
    place = lines.index("32 in flight")
    assert [line.split()[0] for line in lines[place + 1 :][:4]] == ["TTFT", "TPOT", "ITL", "latency"]
    assert lines[place + 1] == "TTFT     51.20 (50.90 to 51.60)  80 (75 or more)   90"


def test_a_load_without_latencies_has_no_table_of_dashes() -> None:
    nothing = row(8).model_copy(update={"latency": {}, "samples_per_s": None, "output_tokens_per_s": None, "ok": 0})
    lines = table_text([row(1), nothing], 80).splitlines()
    assert sum(line.startswith("8 in flight") for line in lines) == 1
    assert sum("TTFT" in line for line in lines) == 1
    assert not any("TTFT" in line for line in table_text([nothing], 80).splitlines())


def test_goodput_has_columns_only_where_limits_were_set() -> None:
    assert "good/s" not in table_text([row(1)], 120)
    shown = table_text([row(1, goodput=True)], 120)
    assert "good/s" in shown
    assert "90 % (85 to 94)" in shown


@pytest.mark.parametrize("width", [40, 60, 80, 100, 160, 300])
def test_no_number_and_no_interval_is_ever_cut(width: int) -> None:
    shape = SessionsShape(concurrency=4, sticky=False)
    long = Value(value=123_456_700_000, low=111_222_300_000, high=133_444_500_000)
    latency = {name: dict.fromkeys(("p50", "p95", "p99"), long) for name in ("ttft_ns", "answer_ttft_ns", "latency_ns")}
    rates = Value(value=0.012345, low=0.01112, high=0.01334)
    wide = row(1, goodput=True).model_copy(
        update={"load": shape.title, "latency": latency, "samples_per_s": rates, "goodput_per_s": rates}
    )
    text = table_text([wide, row(32, goodput=True)], width)
    assert "…" not in text
    for end, times in (
        ("(111,222 to", 9),
        ("133,444)", 9),
        ("(0.01112 to", 2),
        ("0.01334)", 2),
        ("(85 to", 2),
        ("94)", 2),
    ):
        assert text.count(end) == times
    if width >= 80:
        assert max(map(len, text.splitlines())) <= width


def test_every_width_shows_intervals_of_latencies() -> None:
    for width in (80, 160, 220):
        text = table_text([row(1)], width)
        assert "51.20" in text
        assert "(50.90 to 51.60)" in text


def test_a_score_says_of_how_much_or_in_what() -> None:
    rouge = Score(value=1.0, unit="mean F-measure x 100", possible=(0, 100))
    length = Score(value=1234.0, unit="characters", possible=(0, None), total=True)
    accuracy = AccuracyResult(scorer="rouge", scores={"rouge1": rouge, "gen_len": length}, samples=8, gate="fail")
    lines = scores_text([("Offline", accuracy)], 100).splitlines()
    assert "1 of 100" in lines[1]
    assert lines[2].endswith("1,234 characters")
