"""How a campaign goes, for a site's own monitoring: read from its folder's files alone, told in one set of metrics."""

from assay.metrics.live import Live

__all__ = ["Live"]
