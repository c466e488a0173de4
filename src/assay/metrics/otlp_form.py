"""The metrics in OpenTelemetry's data model: the same names, values and labels that Prometheus gets.

A collector that hands them on to Prometheus gives counters their `_total`; units are UCUM's
(https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/).
"""

from __future__ import annotations

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.metrics.export import Histogram as HistogramData
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from assay import __version__
from assay.metrics.buckets import BOUNDS_S, Histogram
from assay.metrics.family import Family
from assay.metrics.live import Look

_UNITS = {
    "": "",
    "seconds": "s",
    "bytes": "By",
    "ratio": "1",
    "watts": "W",
    "celsius": "Cel",
    "hertz": "Hz",
    "joules": "J",
    "samples": "{sample}",
    "tokens": "{token}",
    "attempts": "{attempt}",
    "errors": "{error}",
}
_CUMULATIVE = AggregationTemporality.CUMULATIVE


def metrics_data(look: Look, now_ns: int) -> MetricsData:
    """`now_ns`: UTC."""
    service = Resource({"service.name": "assay", "service.version": __version__})
    scope = InstrumentationScope("assay", __version__)
    found = [_metric(family, look.began_ns or now_ns, now_ns) for family in look.families]
    # What the environment says of the service comes second, so that it holds.
    resource = service.merge(OTELResourceDetector().detect())
    return MetricsData([ResourceMetrics(resource, [ScopeMetrics(scope, found, "")], "")])


def _metric(family: Family, began_ns: int, now_ns: int) -> Metric:
    numbers: list[NumberDataPoint] = []
    histograms: list[HistogramDataPoint] = []
    for values, value in family.points:
        labels = dict(zip(family.metric.labels, values, strict=True))
        if isinstance(value, Histogram):
            histograms.append(_histogram(value, labels, began_ns, now_ns))
        else:
            of_load = family.metric.kind == "counter" and not family.metric.of_device
            since_ns = began_ns if of_load else 0  # 0: it has no such time, or it isn't known
            numbers.append(NumberDataPoint(labels, since_ns, now_ns, float(value)))
    data: Sum | Gauge | HistogramData
    match family.metric.kind:
        case "counter":
            data = Sum(numbers, _CUMULATIVE, is_monotonic=True)
        case "gauge":
            data = Gauge(numbers)
        case "histogram":
            data = HistogramData(histograms, _CUMULATIVE)
    return Metric(family.metric.name, family.metric.words, _UNITS[family.metric.unit], data)


def _histogram(value: Histogram, labels: dict[str, str], began_ns: int, now_ns: int) -> HistogramDataPoint:
    return HistogramDataPoint(
        attributes=labels,
        start_time_unix_nano=began_ns,
        time_unix_nano=now_ns,
        count=value.count,
        sum=value.sum_s,
        bucket_counts=value.each,
        explicit_bounds=BOUNDS_S[:-1],
        min=None,  # type: ignore[arg-type]  # the protocol lets a histogram be without; buckets don't know them
        max=None,  # type: ignore[arg-type]
    )
