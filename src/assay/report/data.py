"""`report.json`: what the page says, for machines."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pydantic import BaseModel

from assay.analysis.campaign import CampaignAnalysis
from assay.analysis.curve import curve_of
from assay.analysis.names import name_of
from assay.analysis.run import RunAnalysis
from assay.analysis.statistics import Estimate
from assay.audit import AuditReport
from assay.report.campaign_answer import campaign_answer
from assay.report.what_next import campaign_next

VERSION = 1


def run_report_json(analysis: RunAnalysis, audit: AuditReport | None) -> dict[str, Any]:
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
        # The path is where the folder happens to lie, not a fact of the run.
        "audit": None if audit is None else audit.model_dump(mode="json", exclude={"path"}),
        "manifest_sha256": analysis.manifest_sha256,
        "provenance": [{"file": name, "bytes": size, "sha256": digest} for name, size, digest in analysis.files],
    }


def plain(value: Any) -> Any:
    """Models and lists of them as plain data."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def campaign_report_json(analysis: CampaignAnalysis) -> dict[str, Any]:
    """A campaign's analysis as plain data; each run's own is in its folder."""
    return {
        "version": VERSION,
        "kind": "campaign",
        "answer": campaign_answer(analysis),
        "next": campaign_next(analysis),
        "campaign": plain(analysis.state),
        "manifest_sha256": analysis.manifest.sha256,
        "groups": [
            {
                "key": group.key,
                "what": name_of(group.first.entry),
                "runs": [line.folder.id for line in group.lines],
                "samples_per_s": _estimate(group.samples_per_s),
                "output_tokens_per_s": _estimate(group.tokens_per_s),
                "expenses": {name: _estimate(value) for name, value in group.expenses.items()},
            }
            for group in analysis.groups
        ],
        "curve": plain(curve_of(analysis.groups) if analysis.tuned is None else None),
        "rate": plain(analysis.rate),
        "scaling": plain(analysis.scaling),
        "why_no_scaling": analysis.why_no_scaling,
        "engine": plain(analysis.tuned),
        "projections": plain(analysis.projections),
        "answers": plain(analysis.answers),
        "since_last": plain(analysis.since_last),
        "findings": plain(analysis.findings),
        "results": [plain(line.result) for line in analysis.lines],
    }


def _estimate(estimate: Estimate) -> dict[str, float | int | None]:
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high, "n": estimate.n}
