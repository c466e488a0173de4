"""The thread that watches a run for alerts, from the files that watchers follow; it never disturbs the load."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from assay.alerts.options import Rules
from assay.alerts.run import RunAlerts
from assay.runs.alerts import AlertEvent, append_alert
from assay.runs.folder import RunFolder
from assay.runs.progress import ProgressReader
from assay.runs.record import RunRecord
from assay.runs.system import SystemRecord
from assay.runs.telemetry import TelemetryReader

_EVERY_S = 1.0
_PATIENCE_S = 5.0

Tell = Callable[[AlertEvent], None]


class AlertWatch:
    """Looks once a second. Whatever goes wrong in it, the run goes on."""

    def __init__(
        self,
        folder: RunFolder,
        rules: Rules,
        record: RunRecord,
        system: SystemRecord | None,
        tell: Tell,
        failed: Callable[[str], None],
    ) -> None:
        """`tell` gets each alert once it is in the run's folder; it is called from the thread, and so is `failed`,
        with what couldn't be done, while the error is handled."""
        self._folder = folder
        self._alerts = RunAlerts(rules, record, system)
        self._progress = ProgressReader(folder.progress)
        self._telemetry = TelemetryReader(folder)
        self._tell = tell
        self._failed = failed
        self._open = True
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Look a last time, and end; nothing is written any more once this returns."""
        self._over.set()
        self._thread.join(_PATIENCE_S)
        with self._lock:
            self._open = False

    def _run(self) -> None:
        try:
            while not self._over.wait(_EVERY_S):
                self._look()
            self._look()
        except Exception:  # a file that can't be read, a full disk: no reason to end what is measured
            self._failed("the run isn't watched for alerts any more")

    def _look(self) -> None:
        self._alerts.take_progress(self._progress.poll())
        for batch in self._telemetry.poll():
            self._alerts.take_telemetry(batch)
        for event in self._alerts.judge(time.monotonic_ns(), self._rule_failed):
            with self._lock:
                if not self._open:
                    return
                append_alert(self._folder.alerts, event)
            self._tell(event)

    def _rule_failed(self, name: str) -> None:
        self._failed(f"the alert {name} isn't watched for any more")
