"""Plotly's JavaScript as pages load it: packed, in one file that a campaign's pages share, or in the page itself."""

from __future__ import annotations

import gzip
import os
from base64 import b64encode
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from assay.runs.atomic import write_text
from assay.runs.campaign import CampaignFolder
from assay.runs.folder import ReportFolder


@cache
def compressed_plotly() -> bytes:
    """Plotly's own code, by gzip."""
    return gzip.compress(files("plotly").joinpath("package_data/plotly.min.js").read_bytes(), mtime=0)


@cache
def packed_plotly() -> str:
    """A script that leaves Plotly's own code, compressed, for the page to unpack: it is less than half as long."""
    return f'window.plotlyPacked = "{b64encode(compressed_plotly()).decode()}";\n'


def write_plotly(page_folder: Path) -> str:
    """Write the script where the page's campaign, or else the page, keeps its charts; its address from the page."""
    path = _shared(page_folder) / f"plotly-{version('plotly')}.js"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, packed_plotly())
    return Path(os.path.relpath(path, page_folder)).as_posix()


def _shared(page_folder: Path) -> Path:
    campaign = CampaignFolder(page_folder.parent.parent)
    of_a_run = page_folder.parent == campaign.runs and campaign.state.exists()
    return ReportFolder(campaign.path if of_a_run else page_folder).charts
