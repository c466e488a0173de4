"""A user.conf's rate is the one that LoadGen uses, the record has, and the page names."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.campaigns import Quiet, config

from assay.campaign.runner import run_campaign
from assay.runs import read_detail, read_record


def test_the_target_on_the_page_is_the_one_that_loadgen_used(tmp_path: Path) -> None:
    conf = tmp_path / "user.conf"
    conf.write_text("*.Server.target_qps = 40\n")
    changes = {"scenarios": ["Server"], "target_qps": {"Server": 5}, "loadgen": {"user_conf": str(conf)}}
    listener = Quiet()
    outcome = asyncio.run(run_campaign(config(tmp_path, **changes), listener))
    (entry,) = outcome.state.runs
    assert entry.run is not None
    folder = outcome.folder.run(entry.run)
    assert read_detail(folder.loadgen_detail).effective["target_qps"] == 40
    assert read_record(folder).target_qps == entry.target_qps == 40
    assert "target 40 samples/s" in folder.report.read_text()
    assert "*.Server.target_qps = 40 (instead of target_qps.Server, 5)" in "\n".join(listener.said)
