"""The metrics for Prometheus: a page in its text form or in OpenMetrics, whichever the reader asks for."""

from __future__ import annotations

import math
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from wsgiref.simple_server import WSGIRequestHandler

from prometheus_client import start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from assay.errors import UserError
from assay.metrics.buckets import BOUNDS_S, Histogram
from assay.metrics.family import Family
from assay.metrics.live import Live

_PATIENCE_S = 10.0
"""Prometheus waits as long for a page, unless told otherwise; who asks or takes it slower is cut off."""
_LE = tuple("+Inf" if math.isinf(bound_s) else repr(bound_s) for bound_s in BOUNDS_S)


class LiveCollector(Collector):
    """Asked at every look at the page; stands in no registry that others may be in."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def collect(self) -> Iterable[Metric]:
        return (prometheus_family(family) for family in self._live.look().families)


def prometheus_family(family: Family) -> Metric:
    metric = family.metric
    if metric.kind == "histogram":
        found = HistogramMetricFamily(metric.name, metric.words, labels=metric.labels, unit=metric.unit)
        for labels, histogram in _histograms(family):
            found.add_metric(labels, list(zip(_LE, histogram.counts, strict=True)), histogram.sum_s)
        return found
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    plain = kind(metric.name, metric.words, labels=metric.labels, unit=metric.unit)
    for labels, value in family.points:
        assert not isinstance(value, Histogram)
        plain.add_metric(labels, value)
    return plain


def _histograms(family: Family) -> Iterator[tuple[tuple[str, ...], Histogram]]:
    for labels, value in family.points:
        assert isinstance(value, Histogram)
        yield labels, value


class _Handler(WSGIRequestHandler):
    """A reader that stalls keeps a thread and a socket of the controller's no longer than its patience."""

    def handle(self) -> None:
        limit = threading.Timer(_PATIENCE_S, self._cut_off)
        limit.daemon = True
        limit.start()
        try:
            super().handle()
        finally:
            limit.cancel()

    def _cut_off(self) -> None:
        with suppress(OSError):  # it is gone
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: object) -> None:
        """No request is logged: the terminal is the campaign's."""


def serve_metrics(live: Live, host: str, port: int) -> str:
    """Answer at `host` and `port` (0: any that is free) until the process ends; returns the page's address.

    Raises UserError where nothing can listen there.
    """
    try:
        server, _ = start_http_server(port, host, registry=LiveCollector(live))
    except OSError as error:
        raise UserError(
            f"--metrics-port {port}: nothing can listen on {host}: {error.strerror or error}. "
            "Name another port (0: any that is free), or another --metrics-host"
        ) from None
    server.RequestHandlerClass = _Handler
    place = f"[{host}]" if ":" in host else host
    return f"http://{place}:{server.server_port}/metrics"
