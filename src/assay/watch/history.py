"""What the hardware of nodes did over a whole run, for whoever joins late."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from assay.watch.bins import Bins

_BETWEEN = "\t"

NodeMetric = tuple[str, str]
"""A node's name, and a metric's as `telemetry.parquet` has it."""


class History:
    """Takes in what a run's samplers wrote, of the metrics that `pattern` matches. Times are CLOCK_MONOTONIC's."""

    def __init__(self, pattern: str) -> None:
        self.bins: Bins[NodeMetric] = Bins()
        self._pattern = pattern

    def take(self, batch: pa.RecordBatch) -> None:
        """Readings, in the schema of the telemetry's journal."""
        kept = pc.match_substring_regex(batch["metric"], self._pattern)
        batch = batch.filter(pc.and_(pc.is_finite(batch["value"]), kept))
        keys = pc.binary_join_element_wise(batch["node"], batch["metric"], _BETWEEN).dictionary_encode()
        names = [_parted(key) for key in keys.dictionary.to_pylist()]
        self.bins.add(names, keys.indices.to_numpy(), batch["time_ns"].to_numpy(), batch["value"].to_numpy())


def _parted(key: str) -> NodeMetric:
    node, _, metric = key.rpartition(_BETWEEN)
    return node, metric
