"""Audits of claims, and what they object to."""

from __future__ import annotations

import tempfile
from pathlib import Path

import yaml

from assay.audit import AuditReport, audit_path


def audit_claims(claims: dict[str, object]) -> AuditReport:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "claims.yaml"
        path.write_text(yaml.safe_dump(claims))
        return audit_path(path)


def complaints(report: AuditReport) -> list[str]:
    return [f"{f.verdict} {f.rule} {f.subject}: {f.statement}: {f.arithmetic}" for f in report.problems]
