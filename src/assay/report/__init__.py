"""Pages and pictures of what was measured: HTML, Markdown, JSON and PNG from one description."""

from assay.report.render import (
    CampaignPages,
    render_campaign,
    render_campaign_comparison,
    render_comparison,
    render_index,
    render_run,
)

__all__ = [
    "CampaignPages",
    "render_campaign",
    "render_campaign_comparison",
    "render_comparison",
    "render_index",
    "render_run",
]
