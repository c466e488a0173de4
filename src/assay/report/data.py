"""`report.json`: what the page says, for machines."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pydantic import BaseModel

from assay.analysis.run import RunAnalysis

VERSION = 1


def run_report_json(analysis: RunAnalysis) -> dict[str, Any]:
    """The whole analysis of a run as plain data."""
    return {
        "version": VERSION,
        "kind": "run",
        "result": plain(analysis.result),
        "ledger": plain(analysis.ledger),
        "phases": plain(analysis.phases),
        "nodes": plain(analysis.nodes),
        "latency": {name: plain(value) for name, value in asdict(analysis.latency).items()},
        "tokens": plain(analysis.tokens),
        "projections": plain(analysis.projections),
        "findings": plain(analysis.findings),
        "telemetry": plain(analysis.telemetry.summaries() if analysis.telemetry else []),
        "provenance": [{"file": name, "bytes": size, "sha256": digest} for name, size, digest in analysis.files],
    }


def plain(value: Any) -> Any:
    """Models and lists of them as plain data."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value
