"""A campaign's folder as its page's analysis."""

from __future__ import annotations

from assay.analysis.campaign import CampaignAnalysis, analyse_campaign, run_line
from assay.analysis.run import analyse_run
from assay.runs import CampaignFolder, read_campaign


def analysed(folder: CampaignFolder) -> CampaignAnalysis:
    entries = [entry for entry in read_campaign(folder).runs if entry.run is not None]
    lines = [run_line(entry, analyse_run(folder.run(str(entry.run)))) for entry in entries]
    analysis = analyse_campaign(folder, lines)
    assert analysis is not None
    return analysis
