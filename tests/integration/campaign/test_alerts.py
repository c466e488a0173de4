"""A campaign whose runs are watched for alerts: an endpoint that is far slower than its peer, on two simulated ones."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.campaigns import Quiet, config
from tests.hooks import Hook
from tests.simulated import simulators

from assay.campaign.runner import run_campaign
from assay.errors import UserError
from assay.runs import RunStatus, check_run, read_ledger, read_record, read_requests
from assay.runs.alerts import read_alerts

SERVER = ("--ttft-ms", "100", "--itl-ms", "5", "--output-tokens", "8", "--max-num-seqs", "32")
MANY = 60_000
"""Samples for far longer than it takes to see that one server is slow, on any machine: the alert ends the run."""


def test_an_alert_is_told_and_ends_the_run_where_its_configuration_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = Hook()
    monkeypatch.setenv("HOOK", hook.url)
    slow = (*SERVER, "--fault", "kind=slow,factor=10")
    with hook.serving(), simulators(tmp_path, [slow, SERVER]) as urls:
        endpoints = [{"url": url, "name": name, "node": f"node-{name}"} for name, url in zip("ab", urls, strict=True)]
        settings = config(
            tmp_path,
            engine={"kind": "external", "model": "simulated", "window": 32, "endpoints": endpoints},
            cluster={"nodes": [{"name": "local"}]},
            queries={"Offline": MANY},
            alerts={"webhook": {"env": "HOOK"}, "rules": {"slower_than_peers": {"stop": True, "for_s": 1}}},
        )
        outcome = asyncio.run(run_campaign(settings, Quiet()))
    (entry,) = outcome.state.runs
    assert entry.status is RunStatus.FAILED
    assert entry.reason.startswith("stopped by the alert slower_than_peers, as its configuration asks: a makes ")
    folder = outcome.folder.run(entry.run or "")
    (alert,) = [event for event in read_alerts(folder.alerts) if event.rule == "slower_than_peers"]
    assert (alert.event, alert.endpoint, alert.node, alert.stops) == ("raised", "a", "node-a", True)
    assert alert.value > alert.limit == 0.3
    told = [got for got in hook.got if got["rule"] == "slower_than_peers"]
    assert [(got["run"], got["campaign"], got["words"]) for got in told] == [
        (folder.id, outcome.folder.path.name, alert.words)
    ]
    ledger = read_ledger(folder)
    assert 0 < ledger.completed < MANY
    assert ledger.completed == sum(status == "ok" for status in read_requests(folder.requests)["status"].to_pylist())
    assert check_run(folder, read_record(folder)).changed == []
    assert not [path for path in outcome.folder.path.rglob("*") if path.is_file() and b"sesame" in path.read_bytes()]


def test_a_receiver_that_isnt_there_is_told_before_anything_starts(tmp_path: Path) -> None:
    settings = config(tmp_path, alerts={"webhook": {"env": "NO_SUCH_VARIABLE"}})
    with pytest.raises(UserError, match="alerts: the variable NO_SUCH_VARIABLE can't be read"):
        asyncio.run(run_campaign(settings, Quiet()))
    assert not (tmp_path / "results").exists()
