"""A thread that samples while a run lasts."""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from itertools import cycle, islice
from pathlib import Path

import psutil

from assay.runs import EndpointFacts, TelemetryJournal
from assay.runs.metric_names import CLIENT_CPU, CONTROLLER, DISK_FREE
from assay.serving.client import ControlClient, ControlError
from assay.serving.connection import EndpointConnection
from assay.serving.words import is_name
from assay.telemetry.accelerators import AcceleratorWatch
from assay.telemetry.client import ClientProcesses
from assay.telemetry.nodes import NodeActivity
from assay.telemetry.packages import Packages

_EVERY_S = 1.0
_PATH = "/metrics"
_SCRAPE_LIMIT_S = 0.8
_SCRAPED_A_SECOND = 64
"""Endpoints; of more each has its turn less often, so that neither time nor memory grows further with them."""
_MOST_METRICS = 2000
"""Names of one endpoint's in a run; vLLM has some 300. A page that makes new ones up would fill the memory."""
_LAST_LOOK_S = 2 * _SCRAPE_LIMIT_S
_SHARES = ("_perc", "_percent", "_ratio", "_usage")


class Sampler:
    """Host metrics of the controller, its accelerators and other nodes once a second; endpoints' `/metrics` in turn.

    An endpoint's turn comes every second, or with more than _SCRAPED_A_SECOND of them once all others had theirs.
    """

    def __init__(
        self,
        endpoints: Sequence[EndpointFacts],
        connections: Mapping[str, EndpointConnection],
        journal: Path,
        accelerators: Mapping[int, str] | None = None,
        activity: NodeActivity | None = None,
    ) -> None:
        """`connections`: how each endpoint is reached, by its name.

        `journal`: where what was sampled goes; there is no such file yet.

        `accelerators`: for each index of those of this machine that take part, the node they are counted under.
        `activity`: what other nodes tell of themselves; those with endpoints are listened to.
        """
        self._nodes = {node for endpoint in endpoints for node in endpoint.machines}
        self._activity = activity or NodeActivity()
        self._endpoints = len(endpoints)
        self._turns = cycle([(endpoint, ControlClient(connections[endpoint.name])) for endpoint in endpoints])
        self._names: dict[str, set[str]] = {endpoint.name: set() for endpoint in endpoints}
        self._folder = journal.parent
        self._client = ClientProcesses()
        self._journal = TelemetryJournal(journal)
        self._open = True
        self._lock = threading.Lock()  # a row is several appends, and two threads make rows
        self._packages = Packages()
        self._accelerators = AcceleratorWatch(accelerators or {}, self._add)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="telemetry", daemon=True)

    def start(self) -> None:
        psutil.cpu_percent()  # the first call only sets the mark that later ones measure from
        self._accelerators.start()
        self._activity.begin(self._nodes, self._add)
        self._thread.start()

    def stop(self) -> None:
        """End the threads; what they gathered is in the journal."""
        self._over.set()
        self._activity.end()
        self._accelerators.stop()
        self._thread.join(_LAST_LOOK_S)
        with self._lock:
            self._open = False
            self._journal.close()

    def _run(self) -> None:
        while not self._over.wait(_EVERY_S):
            with contextlib.suppress(OSError):  # a full disk, too many open files: the next look may do better
                self._look()

    def _look(self) -> None:
        """Sample all that is due. Raises OSError."""
        for metric, value in (*_host(), *self._controller(), *self._packages.read().items()):
            self._add(CONTROLLER, metric, time.monotonic_ns(), value)
        asyncio.run(self._scrape_next())
        self._flush()

    def _controller(self) -> Iterator[tuple[str, float]]:
        """What only the machine that sends the load tells."""
        with contextlib.suppress(OSError):
            yield DISK_FREE, psutil.disk_usage(str(self._folder)).free
        if (share := self._client.busiest()) is not None:
            yield CLIENT_CPU, share

    async def _scrape_next(self) -> None:
        due = islice(self._turns, min(self._endpoints, _SCRAPED_A_SECOND))
        await asyncio.gather(*(self._scrape(endpoint, client) for endpoint, client in due))

    async def _scrape(self, endpoint: EndpointFacts, client: ControlClient) -> None:
        """What the endpoint's Prometheus page says; nothing where there is none."""
        try:
            answer = await client.get(_PATH, limit_s=_SCRAPE_LIMIT_S)
        except ControlError:
            return
        if answer.status == HTTPStatus.OK:
            known = self._names[endpoint.name]
            for metric, value in parse_prometheus(answer.body.decode(errors="replace")).items():
                if metric not in known and len(known) >= _MOST_METRICS:
                    continue
                known.add(metric)
                self._add(endpoint.node, f"{endpoint.name}/{metric}", time.monotonic_ns(), value)

    def _add(self, node: str, metric: str, time_ns: int, value: float) -> None:
        with self._lock:
            if self._open:  # else a look that took long comes after the end
                self._journal.add(node, metric, time_ns, value)

    def _flush(self) -> None:
        with self._lock:
            if self._open:
                self._journal.flush()


def _host() -> Iterator[tuple[str, float]]:
    memory = psutil.virtual_memory()
    yield "cpu_percent", psutil.cpu_percent()
    yield "memory_used_bytes", memory.total - memory.available
    yield "load_1m", psutil.getloadavg()[0]


def parse_prometheus(text: str) -> dict[str, float]:
    """Metric values by name, without histogram buckets and process internals.

    Over labels (vLLM's data parallel engines, for one) values are summed; those of shares are averaged.
    """
    sums: dict[str, float] = {}
    counts: dict[str, int] = {}
    for line in text.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        name, _, value = line.rpartition(" ")
        name = name.partition("{")[0].strip()
        if not is_name(name):
            continue
        if name.endswith(("_bucket", "_created")) or name.startswith(("python_", "process_")):
            continue
        try:
            sums[name] = sums.get(name, 0.0) + float(value)
        except ValueError:
            continue
        counts[name] = counts.get(name, 0) + 1
    values = {name: total / counts[name] if name.endswith(_SHARES) else total for name, total in sums.items()}
    return {name: value for name, value in values.items() if math.isfinite(value)}
