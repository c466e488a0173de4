"""Campaigns followed in a browser: one reading of the files for all who look, and nothing that a page could change."""

from assay.watch.web.server import Place, serve

__all__ = ["Place", "serve"]
