"""Assay: benchmark large-language-model inference the MLPerf way and report only numbers that can be defended."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assay.results import LoadedCampaign

__version__ = "0.1.0"
SIMULATOR = "assay simulator"
"""How Assay's simulated server names itself wherever a client may look, so that no run on it is taken for a model's."""


def load_campaign(path: str | PathLike[str]) -> LoadedCampaign:
    """A campaign's folder for Python: `.figures()`, `.requests()`, `.telemetry()` are Arrow tables (docs/results.md).

    Raises assay.errors.UserError where it is no campaign, or a file of it is damaged.
    """
    from assay.results import load_campaign as load  # not before it is asked for: the command line starts quickly

    return load(path)
