"""`assay bench`: from a URL and a few options to a campaign, a table and an exit code."""

from assay.commands.bench.command import bench

__all__ = ["bench"]
