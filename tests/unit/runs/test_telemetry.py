"""Telemetry on its way to disk: whole rows, as they come, and nothing kept in memory that is written."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.runs.telemetry import TELEMETRY_SCHEMA, TelemetryJournal, read_telemetry, write_telemetry

ROWS = [("node-a", "cpu_percent", 5, 1.5), ("node-b", "power_w", 6, 300.0), ("node-a", "cpu_percent", 7, 2.5)]


def written(tmp_path: Path, rows: list[tuple[str, str, int, float]], *, every: int = 1) -> Path:
    journal = TelemetryJournal(tmp_path / "telemetry.arrows")
    for number, row in enumerate(rows, start=1):
        journal.add(*row)
        if number % every == 0:
            journal.flush()
    journal.close()
    return tmp_path / "telemetry.arrows"


def test_the_table_holds_every_row_in_the_order_of_their_coming(tmp_path: Path) -> None:
    write_telemetry(written(tmp_path, ROWS, every=2), tmp_path / "telemetry.parquet")
    table = read_telemetry(tmp_path / "telemetry.parquet")
    assert table.schema.equals(TELEMETRY_SCHEMA)
    assert [tuple(row.values()) for row in table.to_pylist()] == ROWS
    assert pq.read_schema(tmp_path / "telemetry.parquet").metadata[b"assay_telemetry_version"] == b"1"


def test_a_run_that_sampled_nothing_has_an_empty_table(tmp_path: Path) -> None:
    write_telemetry(written(tmp_path, []), tmp_path / "telemetry.parquet")
    assert read_telemetry(tmp_path / "telemetry.parquet").num_rows == 0


@pytest.mark.parametrize("cut", [1, 7, 100])
def test_what_a_kill_cut_off_is_left_out_and_nothing_else(tmp_path: Path, cut: int) -> None:
    journal = written(tmp_path, ROWS)
    journal.write_bytes(journal.read_bytes()[:-cut])
    write_telemetry(journal, tmp_path / "telemetry.parquet")
    assert [tuple(row.values()) for row in read_telemetry(tmp_path / "telemetry.parquet").to_pylist()] == ROWS[:2]


def test_a_journal_that_is_damaged_before_its_end_is_no_shorter_one(tmp_path: Path) -> None:
    journal = written(tmp_path, ROWS)
    data = bytearray(journal.read_bytes())
    middle = data.index(b"node-b")
    data[middle - 64 : middle] = b"\xff" * 64
    journal.write_bytes(bytes(data))
    try:
        write_telemetry(journal, tmp_path / "telemetry.parquet")
    except (pa.ArrowException, OSError):
        return
    assert read_telemetry(tmp_path / "telemetry.parquet").num_rows == 3
