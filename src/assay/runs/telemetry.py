"""`telemetry.parquet`: node, metric, time, value."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from assay.errors import UserError
from assay.plain_files import plain

TELEMETRY_SCHEMA = pa.schema(
    [
        pa.field("node", pa.dictionary(pa.int16(), pa.string()), nullable=False),
        # host: cpu_percent, memory_used_bytes, …; GPU: gpu<i>_…; engine: <endpoint>/<its metric's name>
        pa.field("metric", pa.dictionary(pa.int32(), pa.string()), nullable=False),
        pa.field("time_ns", pa.int64(), nullable=False),  # CLOCK_MONOTONIC of the controller
        pa.field("value", pa.float64(), nullable=False),
    ],
    metadata={b"assay_telemetry_version": b"1"},
)


class TelemetryWriter:
    """Collects samples in memory and writes them once."""

    def __init__(self) -> None:
        self._rows: dict[str, list[object]] = {name: [] for name in TELEMETRY_SCHEMA.names}

    def add(self, node: str, metric: str, time_ns: int, value: float) -> None:
        for name, item in zip(TELEMETRY_SCHEMA.names, (node, metric, time_ns, value), strict=True):
            self._rows[name].append(item)

    def __len__(self) -> int:
        return len(self._rows["value"])

    def save(self, path: Path) -> None:
        temporary = path.with_name(f".{path.name}.partial")
        pq.write_table(pa.Table.from_pydict(self._rows, schema=TELEMETRY_SCHEMA), temporary, compression="zstd")
        temporary.replace(path)


def read_telemetry(path: Path) -> pa.Table:
    """Raises UserError where the file is damaged."""
    try:
        return pq.read_table(plain(path)).select(TELEMETRY_SCHEMA.names).cast(TELEMETRY_SCHEMA)
    except (OSError, pa.ArrowException, ValueError, KeyError) as error:
        raise UserError(f"{path}: can't be read: {error}") from None
