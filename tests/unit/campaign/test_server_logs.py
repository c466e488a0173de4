"""Which servers' output is shown for endpoints that left answers owing."""

from __future__ import annotations

from pathlib import Path

from assay.campaign.servers import server_logs
from assay.runs import CampaignFolder


def test_the_logs_of_all_parts_of_a_server_are_looked_at(tmp_path: Path) -> None:
    folder = tmp_path / "servers"
    folder.mkdir()
    texts = {"a": "leads", "a_1": "one\nfollows", "a_2": "", "a-b": "another", "b": "gone"}
    for name, text in texts.items():
        (folder / f"{name}.log").write_text(text)
    assert server_logs(CampaignFolder(tmp_path), ["a"], 1) == {"a": "leads", "a_1": "follows"}


def test_a_log_that_was_fetched_does_where_none_streamed_in(tmp_path: Path) -> None:
    (tmp_path / "endpoints").mkdir()
    (tmp_path / "endpoints" / "a.log").write_text("fetched")
    assert server_logs(CampaignFolder(tmp_path), ["a", "b"], 1) == {"a": "fetched"}
