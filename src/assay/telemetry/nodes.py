"""What the probes of other nodes tell, handed to whoever samples a run."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection

from assay.runs.metric_names import CLOCK_OFFSET
from assay.telemetry.activity import Add, parse_activity

_UTC = "utc_ns"


class NodeActivity:
    """Between a cluster's probes, which run as long as its servers do, and the sampler of the run in progress.

    A value's time is that of its line's arrival here, CLOCK_MONOTONIC of the controller: the clocks of nodes are not
    this one, so a value is late by its way here and never early. What arrives between runs is dropped.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._add: Add | None = None
        self._nodes: Collection[str] = ()

    def heard(self, node: str, line: bytes) -> None:
        """Take one line of a node's probe."""
        now_ns, utc_ns = time.monotonic_ns(), time.time_ns()
        with self._lock:
            if self._add is None or node not in self._nodes:
                return
            for _, metric, value in parse_activity(line).values:
                if metric == _UTC:
                    self._add(node, CLOCK_OFFSET, now_ns, value - utc_ns)
                else:
                    self._add(node, metric, now_ns, value)

    def begin(self, nodes: Collection[str], add: Add) -> None:
        """Hand what `nodes` tell to `add` from now on."""
        with self._lock:
            self._nodes, self._add = nodes, add

    def end(self) -> None:
        """Nothing is handed on any more once this returns."""
        with self._lock:
            self._add = None
