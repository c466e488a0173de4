"""One campaign that was carried out, for everything that is told of one."""

from __future__ import annotations

import asyncio

import pytest
from tests.campaigns import FAST, Quiet, config

from assay.campaign.runner import run_campaign
from assay.runs import CampaignFolder


@pytest.fixture(scope="session")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> CampaignFolder:
    """One Offline load of eight samples, twice."""
    settings = config(
        tmp_path_factory.mktemp("results"),
        campaign={"kind": "single", "repeats": 2},
        engine={**FAST, "speeds": {}},
        cluster={"nodes": [{"name": "node-a"}]},
    )
    return asyncio.run(run_campaign(settings, Quiet())).folder
