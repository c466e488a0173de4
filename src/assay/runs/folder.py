"""One run's folder: where each file is, and how its name is made."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

MANIFEST = "manifest.json"
_TO_CAMPAIGN = Path("..", "..")


def new_id(now_utc: datetime, *words: str, salt: bytes) -> str:
    """A folder name: UTC time to the second, the given words, and four bytes of a hash of `salt`."""
    return "-".join([now_utc.strftime("%Y%m%dT%H%M%SZ"), *words, hashlib.sha256(salt).hexdigest()[:8]])


@dataclass(frozen=True)
class ReportFolder:
    """The files of a report, in the folder that it is about or wherever else it is written."""

    path: Path

    @property
    def html(self) -> Path:
        return self.path / "report.html"

    @property
    def markdown(self) -> Path:
        return self.path / "report.md"

    @property
    def data(self) -> Path:
        return self.path / "report.json"

    @property
    def findings(self) -> Path:
        return self.path / "findings.json"

    @property
    def charts(self) -> Path:
        return self.path / "charts"


@dataclass(frozen=True)
class RunFolder:
    """The paths inside a run folder. Nothing is created or read until asked."""

    path: Path

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def campaign(self) -> Path:
        """The folder of the campaign that it is a run of."""
        return Path(os.path.normpath(self.path / _TO_CAMPAIGN))

    @property
    def config(self) -> Path:
        """The resolved configuration, secrets removed."""
        return self.path / "config.yaml"

    @property
    def benchmark(self) -> Path:
        """What was measured, resolved (`benchmarks.RecordedBenchmark`); absent from runs of early versions."""
        return self.path / "benchmark.json"

    @property
    def system(self) -> Path:
        """Nodes, accelerators, drivers, versions."""
        return self.path / "system.json"

    @property
    def record(self) -> Path:
        """What was planned and what happened (`RunRecord`)."""
        return self.path / "run.json"

    @property
    def requests(self) -> Path:
        """One row an attempt (`REQUESTS_SCHEMA`)."""
        return self.path / "requests.parquet"

    @property
    def warmup(self) -> Path:
        """The warm-up's requests, in the same schema; never part of a result."""
        return self.path / "warmup.parquet"

    @property
    def telemetry(self) -> Path:
        return self.path / "telemetry.parquet"

    @property
    def telemetry_journal(self) -> Path:
        """What was sampled, while the run isn't closed."""
        return self.parts / "telemetry.arrows"

    @property
    def ledger(self) -> Path:
        return self.path / "ledger.json"

    @property
    def result(self) -> Path:
        return self.path / "result.json"

    @property
    def accuracy(self) -> Path:
        return self.path / "accuracy.json"

    @property
    def accuracy_txt(self) -> Path:
        """Scores in the form that the submission checker reads."""
        return self.path / "accuracy.txt"

    @property
    def answers(self) -> Path:
        """Accuracy runs: each sample's answer and reference as text with its own scores, one JSON object a line."""
        return self.path / "answers.jsonl"

    @property
    def audit(self) -> Path:
        """What the audit said of the run when it was closed (`audit.AuditReport`)."""
        return self.path / "audit.json"

    @property
    def manifest(self) -> Path:
        """What each of these files was when the run was closed (`RunManifest`); absent from runs of early versions."""
        return self.path / MANIFEST

    @property
    def loadgen_summary(self) -> Path:
        return self.path / "mlperf_log_summary.txt"

    @property
    def loadgen_detail(self) -> Path:
        return self.path / "mlperf_log_detail.txt"

    @property
    def loadgen_accuracy(self) -> Path:
        return self.path / "mlperf_log_accuracy.json"

    @property
    def driver_log(self) -> Path:
        return self.path / "driver.log"

    @property
    def endpoint_logs(self) -> Path:
        return self.path / "endpoints"

    @property
    def progress(self) -> Path:
        """Progress as it happened, one JSON object a line; what `assay watch` follows."""
        return self.path / "progress.jsonl"

    @property
    def alerts(self) -> Path:
        """Alerts as they were raised and cleared (`alerts.AlertEvent`), one a line; absent where there was none."""
        return self.path / "alerts.jsonl"

    @property
    def parts(self) -> Path:
        """Records as they come, before they are merged into Parquet; absent once a run is closed."""
        return self.path / "parts"

    @property
    def report(self) -> Path:
        """The page about the run."""
        return ReportFolder(self.path).html

    @property
    def report_log(self) -> Path:
        """Why the page couldn't be made, where it couldn't."""
        return self.path / "report.log"

    @property
    def audit_config(self) -> Path:
        """LoadGen's settings for a compliance test, where the run is one."""
        return self.path / "audit.config"

    @property
    def loadgen_trace(self) -> Path:
        """Empty where tracing is off."""
        return self.path / "mlperf_log_trace.json"

    @property
    def plan(self) -> Path:
        """What the load process was told (`load.plan.LoadPlan`); among the parts, so gone once a run is closed."""
        return self.parts / "plan.json"

    @property
    def outcome(self) -> Path:
        """How the load process ended (`LoadOutcome`); among the parts."""
        return self.parts / "outcome.json"

    @property
    def issued(self) -> Path:
        """What the source of load handed over, as it came (`load.journal`); among the parts."""
        return self.parts / "issued.bin"
