"""Preflight: looks at every node before a run and changes none."""

from assay.deploy.check.run import check_cluster
from assay.serving.health import CheckReport, CheckRow, Outcome

__all__ = ["CheckReport", "CheckRow", "Outcome", "check_cluster"]
