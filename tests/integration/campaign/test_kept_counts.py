"""A campaign on prompts that a server has counted goes on where the server counts no more."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.campaigns import Quiet, config
from tests.running_simulator import simulator

from assay.campaign.counting import ServerCounter
from assay.campaign.runner import resume_campaign, run_campaign
from assay.datasets import CannotCountError
from assay.runs import RunStatus, read_campaign, write_json


def test_resuming_takes_the_counts_of_the_beginning(
    tmp_path: Path, no_reports: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with simulator(tmp_path, "--output-tokens", "4") as server:
        settings = config(
            tmp_path,
            benchmark="own-prompts",
            dataset={"samples": 4, "synthetic": {"input": 40, "output": 4}},
            engine={"kind": "external", "model": "simulated", "endpoints": [{"url": server.url()}]},
            cluster={},
            campaign={"kind": "bench", "loads": [{"kind": "concurrency", "concurrency": 1, "requests": 4}]},
        )
        folder = asyncio.run(run_campaign(settings, Quiet())).folder
        assert folder.prompt_counts.exists()
        state = read_campaign(folder)
        (entry,) = state.runs
        entry.earlier, entry.run, entry.status = [entry.run or ""], None, None
        write_json(folder.state, state)
        folder.manifest.unlink()  # the state isn't as it was closed

        async def gives_nothing(*_: object) -> list[int]:
            raise CannotCountError("for a moment not")

        monkeypatch.setattr(ServerCounter, "_counts", gives_nothing)
        listener = Quiet()
        outcome = asyncio.run(resume_campaign(settings, folder, listener))
    assert [entry.status for entry in outcome.state.runs] == [RunStatus.COMPLETED], outcome.state.runs[0].reason
    assert "asking the server how many tokens prompts have" not in listener.said
