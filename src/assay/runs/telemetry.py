"""`telemetry.parquet`: node, metric, time, value."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import Any

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
    """Collects samples in memory, 22 bytes each, and writes them once."""

    def __init__(self) -> None:
        self._nodes: dict[str, int] = {}
        self._metrics: dict[str, int] = {}
        self._node, self._metric = array("h"), array("i")  # their numbers
        self._time_ns, self._value = array("q"), array("d")

    def add(self, node: str, metric: str, time_ns: int, value: float) -> None:
        self._node.append(self._nodes.setdefault(node, len(self._nodes)))
        self._metric.append(self._metrics.setdefault(metric, len(self._metrics)))
        self._time_ns.append(time_ns)
        self._value.append(value)

    def __len__(self) -> int:
        return len(self._value)

    def save(self, path: Path) -> None:
        count = len(self)  # a thread that nobody waited for may still add rows
        kinds = (pa.int16(), pa.int32(), pa.int64(), pa.float64())
        gathered: tuple[array[Any], ...] = (self._node, self._metric, self._time_ns, self._value)
        node, metric, time_ns, value = (
            pa.Array.from_buffers(kind, count, [None, pa.py_buffer(column.tobytes())])
            for kind, column in zip(kinds, gathered, strict=True)
        )
        node = pa.DictionaryArray.from_arrays(node, pa.array(list(self._nodes), pa.string()))
        metric = pa.DictionaryArray.from_arrays(metric, pa.array(list(self._metrics), pa.string()))
        temporary = path.with_name(f".{path.name}.partial")
        table = pa.Table.from_arrays([node, metric, time_ns, value], schema=TELEMETRY_SCHEMA)
        pq.write_table(table, temporary, compression="zstd")
        temporary.replace(path)


def read_telemetry(path: Path) -> pa.Table:
    """Raises UserError where the file is damaged."""
    try:
        return pq.read_table(plain(path)).select(TELEMETRY_SCHEMA.names).cast(TELEMETRY_SCHEMA)
    except (OSError, pa.ArrowException, ValueError, KeyError) as error:
        raise UserError(f"{path}: can't be read: {error}") from None
