"""Goodput counts what keeps every limit, over all that were asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.synthetic import Node, Plan, write_run

from assay.analysis.goodput import STARTED_GOOD, from_start, good, good_share, goodput
from assay.analysis.run import analyse_run
from assay.analysis.samples import Samples
from assay.analysis.statistics import share_interval
from assay.runs import read_record, write_json
from assay.runs.shapes import ConcurrencyShape, RateShape
from assay.runs.slo import Slo

_MS = 1_000_000


def samples(ttft_ms: list[int], tpot_ms: list[int], tokens: int = 11) -> Samples:
    """One sample every 100 ms; `tokens` tokens each."""
    count = len(ttft_ms)
    start = np.arange(count, dtype=np.int64) * 100 * _MS
    first = start + np.asarray(ttft_ms) * _MS
    last = first + np.asarray(tpot_ms) * _MS * (tokens - 1)
    ids = np.arange(count, dtype=np.int64)
    filled = np.full(count, tokens, dtype=np.int64)
    return Samples(
        ("e",), ids, ids, ids * 0, start, start, first, last, last, filled, filled, filled, *[ids * 0 - 1] * 6
    )


def test_every_limit_must_hold() -> None:
    got = good(samples([400, 600, 400, 600], [40, 40, 60, 60]), Slo(ttft=500 * _MS, tpot=50 * _MS))
    assert got.tolist() == [True, False, False, False]
    assert good(samples([400, 600], [40, 60]), Slo(latency=900 * _MS)).tolist() == [True, False]


def test_an_answer_of_one_token_has_no_tpot_to_break() -> None:
    assert good(samples([400], [0], tokens=1), Slo(tpot=1)).tolist() == [True]


def test_the_rate_is_over_the_time_of_all() -> None:
    run = samples([400] * 20 + [600] * 20, [40] * 40)
    slo = Slo(ttft=500 * _MS)
    assert goodput(run, slo).value == pytest.approx(20 / run.duration_s)
    assert goodput(run, Slo(ttft=1)).value == 0.0


def test_a_failed_sample_is_not_good() -> None:
    share = good_share(samples([400] * 30, [40] * 30), Slo(ttft=500 * _MS), issued=40)
    assert share.value == 0.75
    assert share.low is not None
    assert share.low < 0.75 < share.high  # type: ignore[operator]


def test_all_good_of_few_is_not_certain() -> None:
    low, high = share_interval(np.ones(30)) or (0.0, 0.0)
    assert high == 1.0
    assert low == pytest.approx(0.025 ** (1 / 30))  # Clopper-Pearson for 30 of 30
    assert share_interval(np.ones(5)) is None


def test_the_interval_of_a_share_holds_the_truth_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(5)
    held = 0
    for _ in range(400):
        low, high = share_interval((generator.random(200) < 0.9).astype(float)) or (0.0, 0.0)
        held += low <= 0.9 <= high
    assert 0.93 <= held / 400 <= 0.995


@pytest.mark.parametrize(("later_ms", "told"), [(600, True), (400, False)])
def test_goodput_that_only_an_idle_server_gave_is_said_to_be_that(later_ms: int, told: bool, tmp_path: Path) -> None:
    run = samples([400] * 16 + [later_ms] * 144, [40] * 160)
    record = read_record(write_run(tmp_path, Plan(samples=10, chunks=False, telemetry=False)))
    limited = {"slo": Slo(ttft=500 * _MS), "shape": ConcurrencyShape(concurrency=32)}
    words = from_start(run, record.model_copy(update=limited))
    assert words.startswith("16 of the first 32 answers, ") == told
    assert words.endswith("keep the limits, and 0 of the later 128") == told
    assert from_start(run, record.model_copy(update=limited | {"shape": RateShape(rate=1.0)})) == ""
    assert from_start(run, record) == "", "nobody set a limit"


def test_a_short_load_is_warned_of_goodput_of_its_start(tmp_path: Path) -> None:
    run = write_run(tmp_path, Plan(samples=40, nodes=(Node("node-a", slots=4),), chunks=False, telemetry=False))
    limited = {"shape": ConcurrencyShape(concurrency=4), "scenario": "Concurrency", "slo": Slo(ttft=1_000 * _MS)}
    write_json(run.record, read_record(run).model_copy(update=limited | {"driver": "pacer"}))
    assert not [text for text in analyse_run(run).result.notices if text.startswith(STARTED_GOOD)]
    table = pq.read_table(run.requests)
    sent = np.asarray(table["sent_ns"])
    late = np.where(sent > np.sort(sent)[3], 2_000 * _MS, 0)
    for name in ("first_ns", "last_ns", "done_ns"):
        place = table.column_names.index(name)
        table = table.set_column(place, table.schema.field(name), pa.array(np.asarray(table[name]) + late))
    pq.write_table(table, run.requests)
    found = analyse_run(run)
    words = "4 of the first 4 answers, whose requests found an idle server, keep the limits, and 0 of the later 36"
    assert f"{STARTED_GOOD}: {words}." in found.result.notices
    (warned,) = [finding for finding in found.findings if finding.rule == "goodput-of-the-start"]
    assert warned.evidence[0].figure == words
