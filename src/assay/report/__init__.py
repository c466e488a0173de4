"""Pages and pictures of what was measured: HTML, Markdown, JSON and PNG from one description."""

from assay.report.index_page import IndexRow, index_rows
from assay.report.render import render_campaign, render_comparison, render_index, render_run

__all__ = ["IndexRow", "index_rows", "render_campaign", "render_comparison", "render_index", "render_run"]
