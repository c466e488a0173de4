"""Preflight: looks at every node before a run and changes none."""

from assay.deploy.check.run import check_cluster
from assay.serving.health import CheckOutcome, CheckReport, CheckRow

__all__ = ["CheckOutcome", "CheckReport", "CheckRow", "check_cluster"]
