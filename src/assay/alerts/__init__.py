"""Watches runs for what goes wrong, by rules of the user's, and tells whom the user names."""

from assay.alerts.options import AlertOptions
from assay.alerts.post import Post
from assay.alerts.watch import AlertWatch

__all__ = ["AlertOptions", "AlertWatch", "Post"]
