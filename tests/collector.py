"""A small OpenTelemetry collector: takes metrics by OTLP over HTTP and keeps what they decode to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, Metric

Values = dict[tuple[str, frozenset[tuple[str, str]]], float]


@dataclass
class Collector:
    url: str
    status: int
    """What every request is answered with."""
    paths: list[str] = field(default_factory=list)
    requests: list[ExportMetricsServiceRequest] = field(default_factory=list)

    @property
    def newest(self) -> list[Metric]:
        (resource,) = self.requests[-1].resource_metrics
        (scope,) = resource.scope_metrics
        return list(scope.metrics)

    @property
    def service(self) -> dict[str, str]:
        attributes = self.requests[-1].resource_metrics[0].resource.attributes
        return {item.key: item.value.string_value for item in attributes}

    @property
    def values(self) -> Values:
        """The newest values under the names and labels that a Prometheus behind a collector would get."""
        found: Values = {}
        for metric in self.newest:
            match metric.WhichOneof("data"):
                case "sum":
                    assert metric.sum.is_monotonic
                    assert (
                        metric.sum.aggregation_temporality == AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
                    )
                    for point in metric.sum.data_points:
                        found[f"{metric.name}_total", _labels(point)] = point.as_double
                case "gauge":
                    for point in metric.gauge.data_points:
                        found[metric.name, _labels(point)] = point.as_double
                case "histogram":
                    for histogram in metric.histogram.data_points:
                        found |= _histogram(metric.name, histogram)
        return found


def _labels(point: object, **more: str) -> frozenset[tuple[str, str]]:
    attributes = {item.key: item.value.string_value for item in point.attributes}  # type: ignore[attr-defined]
    return frozenset({**attributes, **more}.items())


def _histogram(name: str, point: object) -> Values:
    upto, found = 0, {}
    bounds = [*map(repr, point.explicit_bounds), "+Inf"]  # type: ignore[attr-defined]
    for bound, count in zip(bounds, point.bucket_counts, strict=True):  # type: ignore[attr-defined]
        upto += count
        found[f"{name}_bucket", _labels(point, le=bound)] = float(upto)
    found[f"{name}_count", _labels(point)] = float(point.count)  # type: ignore[attr-defined]
    found[f"{name}_sum", _labels(point)] = point.sum  # type: ignore[attr-defined]
    return found


@contextmanager
def collector(status: int = 200) -> Iterator[Collector]:
    found = Collector("", status)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.paths.append(self.path)
            found.requests.append(ExportMetricsServiceRequest.FromString(body))
            self.send_response(found.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
