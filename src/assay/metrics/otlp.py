"""The metrics for OpenTelemetry: sent over OTLP/HTTP by the SDK's own exporter (extra `opentelemetry`).

What the standard environment variables say holds: OTEL_EXPORTER_OTLP_* (endpoint, headers, certificate, compression,
timeout), OTEL_METRIC_EXPORT_INTERVAL, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_SDK_DISABLED
(https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from assay.errors import UserError
from assay.extras import require
from assay.metrics.live import Live

if TYPE_CHECKING:
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

ENDPOINTS = ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_INTERVAL = "OTEL_METRIC_EXPORT_INTERVAL"
_INTERVAL_MS = "60000"
_PATH = "/v1/metrics"
_LOGGER = logging.getLogger("opentelemetry")


def endpoint_variable() -> str | None:
    """The variable of the environment that says where metrics go; None where nothing is to be sent."""
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    return next((name for name in ENDPOINTS if os.environ.get(name)), None)


class Sender:
    """Sends at an interval and at the end, in a thread of its own. A failure is told once, and fails nothing."""

    def __init__(self, live: Live, url: str | None, say: Callable[[str], None]) -> None:
        """`url`: the collector's, without the path of metrics; None: as the environment says.

        Raises UserError where nothing can be sent there.
        """
        self._live = live
        self._say = say
        self._interval_s = _interval_s()
        self._exporter = _exporter(url)
        self._failures = _Failures()
        self._told = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="otlp", daemon=True)

    def start(self) -> None:
        _LOGGER.addHandler(self._failures)
        _LOGGER.propagate = False  # it would write over what the terminal shows
        self._thread.start()

    def stop(self) -> None:
        """Send what there is at the end; takes no longer than two of the exporter's timeouts (10 s each)."""
        self._over.set()
        self._thread.join()
        self._send()
        self._exporter.shutdown()
        _LOGGER.removeHandler(self._failures)
        _LOGGER.propagate = True

    def _run(self) -> None:
        while not self._over.wait(self._interval_s):
            self._send()

    def _send(self) -> None:
        from opentelemetry.sdk.metrics.export import MetricExportResult

        from assay.metrics.otlp_form import metrics_data

        self._failures.words.clear()
        done = self._exporter.export(metrics_data(self._live.look(), time.time_ns()))
        if done is not MetricExportResult.SUCCESS and not self._told:
            self._told = True
            why = self._failures.words[0] if self._failures.words else "no reason was given"
            self._say(f"metrics can't be sent (OTLP): {why.rstrip('.')}; tried again every {self._interval_s:g} s")


class _Failures(logging.Handler):
    """What the exporter says went wrong, which its result doesn't: first the cause, then how often it tried."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.words: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.words.append(record.getMessage())


def _exporter(url: str | None) -> OTLPMetricExporter:
    protocol = next((os.environ[name] for name in _PROTOCOLS if os.environ.get(name)), "http/protobuf")
    if url is None and protocol != "http/protobuf":
        raise UserError(f"metrics aren't sent by OTLP: {protocol} isn't spoken here; name a collector with --otlp URL")
    endpoint = None if url is None else _endpoint(url)
    require("opentelemetry", "sending metrics by OTLP")
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

    return OTLPMetricExporter(endpoint)


def _endpoint(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UserError("--otlp: not the URL of a collector, such as http://collector:4318 (OTLP over HTTP)")
    if parts.username is not None:
        raise UserError("--otlp: others see a command's words; put what identifies you into OTEL_EXPORTER_OTLP_HEADERS")
    path = parts.path.rstrip("/")
    return parts._replace(path=path if path.endswith(_PATH) else path + _PATH).geturl()


def _interval_s() -> float:
    given = os.environ.get(_INTERVAL) or _INTERVAL_MS
    if not given.isascii() or not given.isdigit() or not int(given):
        raise UserError(f"{_INTERVAL}={given}: not a number of milliseconds above 0")
    return int(given) / 1000
