"""Judging anyone's results: rules take stated figures and answer with a verdict, its arithmetic and its source."""

from assay.audit.audit import AuditOptions, audit, audit_path, read_evidence
from assay.audit.registry import explain, rules
from assay.audit.render import render_html_section, render_text
from assay.audit.verdicts import AuditReport, Finding, RunRow, Verdict

__all__ = [
    "AuditOptions",
    "AuditReport",
    "Finding",
    "RunRow",
    "Verdict",
    "audit",
    "audit_path",
    "explain",
    "read_evidence",
    "render_html_section",
    "render_text",
    "rules",
]
