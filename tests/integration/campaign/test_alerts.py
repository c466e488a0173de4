"""A campaign whose runs are watched for alerts: an endpoint that is far slower than its peer, on two simulated ones."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest
from tests.campaigns import Quiet, config
from tests.hooks import Hook
from tests.simulated import simulators

from assay.campaign.runner import run_campaign
from assay.config import Config
from assay.errors import UserError
from assay.runs import RunStatus, check_run, read_ledger, read_record, read_requests, read_telemetry
from assay.runs.alerts import read_alerts
from assay.runs.metric_names import CLIENT_CPU, DISK_FREE

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
    sampled = set(read_telemetry(folder.telemetry)["metric"].to_pylist())
    assert {CLIENT_CPU, DISK_FREE} <= sampled  # what two other rules rest on
    ledger = read_ledger(folder)
    assert 0 < ledger.completed < MANY
    assert ledger.completed == sum(status == "ok" for status in read_requests(folder.requests)["status"].to_pylist())
    assert check_run(folder, read_record(folder)).changed == []
    assert not [path for path in outcome.folder.path.rglob("*") if path.is_file() and b"sesame" in path.read_bytes()]


PLANTED = {
    "well": (),
    "dies": ("--fault", "kind=die,after=200"),
    "fails": ("--fault", "kind=error_500,p=0.3"),
    "full": ("--kv-tokens", "6000", "--output-tokens", "64"),
    "hangs": ("--fault", "kind=hang,after=200"),
}
WANTED = {
    ("endpoint_out", "dies"),
    ("errors", "fails"),
    ("kv_cache", "full"),
    ("preemptions", "full"),
    ("stall", "hangs"),
}
EAGER = {
    "endpoint_out": {"limit": 1},
    "errors": {"for_s": 0},
    "kv_cache": {"limit": 0.5, "for_s": 0},
    "preemptions": {"for_s": 0},
    "stall": {"limit": 2},
}


@pytest.mark.slow
def test_causes_that_are_planted_on_simulated_servers_are_raised_of_these(tmp_path: Path) -> None:
    with simulators(tmp_path, [(*SERVER, *options) for options in PLANTED.values()]) as urls:
        endpoints = [{"url": url, "name": name} for name, url in zip(PLANTED, urls, strict=True)]
        settings = config(
            tmp_path,
            engine={"kind": "external", "model": "simulated", "window": 16, "endpoints": endpoints},
            cluster={"nodes": [{"name": "local"}]},
            queries={"Offline": MANY},
            load={"warmup_prompts": 1, "stall_timeout_s": 250},  # the alert is there before the attempts fail
            alerts={"rules": EAGER},
        )
        raised = asyncio.run(raised_until(settings, WANTED))
    assert raised >= WANTED


async def raised_until(settings: Config, wanted: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """What is raised of endpoints until all that is wanted is, and then the campaign is told to end."""
    campaign, raised = asyncio.create_task(run_campaign(settings, Quiet())), set[tuple[str, str]]()
    while not raised >= wanted and not campaign.done():
        await asyncio.sleep(0.5)
        for path in settings.output.glob("*/runs/*/alerts.jsonl"):
            raised |= {(event.rule, event.endpoint) for event in read_alerts(path) if event.event == "raised"}
    campaign.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await campaign
    return raised


def test_a_receiver_that_isnt_there_is_told_before_anything_starts(tmp_path: Path) -> None:
    settings = config(tmp_path, alerts={"webhook": {"env": "NO_SUCH_VARIABLE"}})
    with pytest.raises(UserError, match="alerts: the variable NO_SUCH_VARIABLE can't be read"):
        asyncio.run(run_campaign(settings, Quiet()))
    assert not (tmp_path / "results").exists()
