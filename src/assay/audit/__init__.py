"""Judging anyone's results: rules take stated figures and answer with a verdict, its arithmetic and its source."""

from assay.audit.judge import AuditOptions, audit_path, judge, read_evidence
from assay.audit.registry import all_rules, explain
from assay.audit.render import render_html_section, render_text
from assay.audit.verdicts import AuditFinding, AuditReport, Judgement, RunRow

__all__ = [
    "AuditFinding",
    "AuditOptions",
    "AuditReport",
    "Judgement",
    "RunRow",
    "all_rules",
    "audit_path",
    "explain",
    "judge",
    "read_evidence",
    "render_html_section",
    "render_text",
]
