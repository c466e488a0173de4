"""What planned runs ask of the client, held against the machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.campaigns import config

from assay.campaign.client_load import ClientLoads, Machine
from assay.campaign.planning import planned
from assay.datasets import Dataset, Sample
from assay.errors import UserError
from assay.load.room import Room
from assay.runs import RunEntry
from assay.serving.health import CheckOutcome

ROOM = Room(open_files=20_000, ports=28_232)


def machine(cores: int, room: Room = ROOM, rate: float = 100_000) -> Machine:
    return Machine(cores, room, rate, "measured here")


def loads_of(
    folder: Path, monkeypatch: pytest.MonkeyPatch, cores: int, engine: dict[str, Any], **changes: Any
) -> tuple[ClientLoads, list[RunEntry]]:
    """Runs over 20,000 samples with answers of 128 tokens, on a machine of so many cores."""
    monkeypatch.setattr("assay.campaign.client_load.cores_here", lambda: cores)
    settings = config(folder, engine=engine, **changes)
    benchmark, runs = planned(settings)
    samples = tuple(Sample(index=place, prompt="p", max_tokens=128) for place in range(20_000))
    dataset = Dataset(
        name="d", path=None, format="lines", sha256="0" * 64, total=20_000, samples=samples, generated=False
    )
    return ClientLoads(settings, benchmark, dataset), runs


def external(number: int, **options: Any) -> dict[str, Any]:
    endpoints = [{"url": f"http://10.0.0.{place + 1}:8000", "name": f"e{place}"} for place in range(number)]
    return {"kind": "external", "model": "m", "server": "vllm", "endpoints": endpoints, **options}


SERVER = {"scenarios": ["Server"]}


def test_a_load_that_the_machine_carries_needs_no_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loads, runs = loads_of(tmp_path, monkeypatch, 16, external(2, window=512), target_qps={"Server": 90}, **SERVER)
    assert loads.lines(runs, machine(16)) == []
    loads.require_room(runs, machine(16))
    assert [row.outcome for row in loads.rows(runs, machine(16))] == [CheckOutcome.PASSED] * 2


def test_arrivals_that_bring_more_tokens_than_the_client_reads_are_said_with_the_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads, runs = loads_of(tmp_path, monkeypatch, 2, external(2, window=512), target_qps={"Server": 1000}, **SERVER)
    (line,) = loads.lines(runs, machine(2))
    assert "arrivals bring up to 128,000 tokens/s" in line
    assert "1 worker on 2 cores reads up to 85,000 tokens/s (85 % of 100,000 a core, measured here)" in line
    loads.require_room(runs, machine(2))  # it may be run all the same; its verdict will say so
    _, client = loads.rows(runs, machine(2))
    assert (client.check, client.outcome, client.required) == ("client", CheckOutcome.FAILED, False)
    more, same = loads_of(tmp_path, monkeypatch, 16, external(2, window=512), target_qps={"Server": 1000}, **SERVER)
    assert more.lines(same, machine(16)) == []


def test_streams_beyond_what_the_client_reads_at_their_usual_speed_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads, runs = loads_of(tmp_path, monkeypatch, 3, external(1, window=4096))
    (line,) = loads.lines(runs, machine(3))
    assert "20.8 for each of 4096 streams" in line
    few, short = loads_of(tmp_path, monkeypatch, 3, external(1, window=4096), queries={"Offline": 100})
    assert few.lines(short, machine(3)) == []


def test_nothing_is_timed_in_accuracy_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loads, runs = loads_of(tmp_path, monkeypatch, 2, external(1, window=4096), modes=["accuracy"])
    assert loads.lines(runs, machine(2)) == []


def test_where_connections_cannot_all_be_opened_a_run_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads, runs = loads_of(tmp_path, monkeypatch, 2, external(1, window=4096))
    with pytest.raises(UserError, match=r"4096 connections over 1 worker need 4196 open files .*ulimit -Hn 4196"):
        loads.require_room(runs, machine(2, Room(open_files=1024)))
    connections, _ = loads.rows(runs, machine(2, Room(open_files=1024)))
    assert (connections.outcome, connections.required) == (CheckOutcome.FAILED, True)
    behind = external(8, window=4096, proxy="http://gateway:3128")
    loads, runs = loads_of(tmp_path, monkeypatch, 64, behind)
    with pytest.raises(UserError, match=r"http://gateway:3128 need as many local ports, and there are 9000"):
        loads.require_room(runs, machine(64, Room(open_files=20_000, ports=9000)))


def test_windows_that_warmup_looks_for_are_no_reason_to_refuse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loads, runs = loads_of(tmp_path, monkeypatch, 2, external(4))
    small = machine(2, Room(open_files=1024))
    loads.require_room(runs, small)
    assert any("need 2148 open files" in line for line in loads.lines(runs, small))
    connections, _ = loads.rows(runs, small)
    assert (connections.outcome, connections.required) == (CheckOutcome.FAILED, False)


def test_servers_that_start_with_the_run_are_at_addresses_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads, runs = loads_of(tmp_path, monkeypatch, 4, {"kind": "simulated", "window": 600})
    load = loads.of(runs[0])
    assert (load.demand.streams, len(set(load.addresses)), load.workers) == (1200, 2, 2)
    loads, runs = loads_of(tmp_path, monkeypatch, 4, {"kind": "simulated", "window": 600}, load={"workers": 7})
    assert loads.of(runs[0]).workers == 7


def test_a_figure_of_another_machine_is_called_one() -> None:
    assert "measured elsewhere; `assay check` measures it here" in Machine.here(None).said(1)
    assert Machine.here(123_000).core_tokens_per_s == 123_000
