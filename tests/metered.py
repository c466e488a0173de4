"""Telemetry of meters with a known power curve, for run folders: generated, as their nodes are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assay.runs import TelemetryJournal, write_telemetry

Floats = NDArray[np.float64]
Row = tuple[str, str, int, float]
SECOND = 1_000_000_000


def power_rows(node: str, meter: str, watts: Callable[[Floats], Floats], times_ns: NDArray[np.int64]) -> list[Row]:
    """Readings of a power that depends on the time, s."""
    values = watts(times_ns / 1e9)
    return [(node, f"{meter}_power_w", int(t), float(v)) for t, v in zip(times_ns, values, strict=True)]


def counter_rows(node: str, meter: str, joules: Callable[[Floats], Floats], times_ns: NDArray[np.int64]) -> list[Row]:
    """Readings of the energy until each time, s."""
    values = joules(times_ns / 1e9)
    return [(node, f"{meter}_energy_j", int(t), float(v)) for t, v in zip(times_ns, values, strict=True)]


def write_meters(path: Path, rows: Iterable[Row]) -> None:
    """A `telemetry.parquet` with these rows."""
    journal = path.with_suffix(".arrows")
    writer = TelemetryJournal(journal)
    for row in rows:
        writer.add(*row)
    writer.close()
    write_telemetry(journal, path)
    journal.unlink()
