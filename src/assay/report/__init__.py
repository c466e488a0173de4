"""Pages and pictures of what was measured: HTML, Markdown, JSON and PNG from one description."""

from assay.report.render import render_run

__all__ = ["render_run"]
