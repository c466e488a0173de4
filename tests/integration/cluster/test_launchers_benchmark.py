"""The benchmark of launchers measures what it says, on real hosts. How fast it was decides nothing here."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.rig.hosts import Hosts, gone

pytestmark = pytest.mark.ssh


async def test_each_step_of_each_node_is_measured_and_nothing_is_left(
    hosts: Hosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[3] / "benchmarks")
    import launchers

    monkeypatch.setattr(launchers, "WATCHED_S", 1)
    found = await launchers.deploy(hosts, 4, tmp_path)  # on three hosts
    steps = ["connect", "start", "ready", "facts", "telemetry_begins", "watched_1_s", "logs", "stop"]
    assert list(found["wall_ms"]) == list(found["cpu_ms_a_node"]) == steps
    assert found["cpu_ms_a_node_in_all"] == pytest.approx(sum(found["cpu_ms_a_node"].values()), abs=0.05)
    assert found["telemetry_lines"] >= 4
    assert found["sockets"] >= 4
    assert found["open_files"] > found["sockets"]
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == [f"n{number}.log" for number in range(4)]
    assert all(gone(hosts, number) for number in hosts.numbers)
    text = launchers.as_text({"launches": [{**found, "ratio": 1.0}]})
    assert text.startswith("   4 nodes: ")
    assert len(text.splitlines()) == 1 + len(steps)
    assert sys.modules.pop("launchers") is launchers
