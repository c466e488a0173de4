"""What is gathered of a run comes back as it was, and costs little while it is gathered."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

from assay.runs.telemetry import TELEMETRY_SCHEMA, TelemetryWriter, read_telemetry


def test_samples_come_back_in_their_order(tmp_path: Path) -> None:
    rows = [(f"n{i % 3}", f"m{i % 7}", 10**15 + i, i / 3) for i in range(1000)]
    writer = TelemetryWriter()
    for row in rows:
        writer.add(*row)
    writer.save(tmp_path / "telemetry.parquet")
    table = read_telemetry(tmp_path / "telemetry.parquet")
    assert list(zip(*(column.to_pylist() for column in table.columns), strict=True)) == rows
    assert table.schema.equals(TELEMETRY_SCHEMA)
    writer.add("n9", "m", 0, 0.0)  # by a thread that nobody waited for
    assert len(writer) == 1001


def test_nothing_gathered_is_an_empty_table(tmp_path: Path) -> None:
    TelemetryWriter().save(tmp_path / "telemetry.parquet")
    assert read_telemetry(tmp_path / "telemetry.parquet").num_rows == 0


def test_a_sample_costs_few_bytes() -> None:
    """A hundred nodes for an hour are tens of millions of samples."""
    tracemalloc.start()
    try:
        writer = TelemetryWriter()
        for i in range(20_000):
            writer.add("n", "m", 10**15 + i, i / 3)
        assert tracemalloc.get_traced_memory()[0] / 20_000 < 40
    finally:
        tracemalloc.stop()
