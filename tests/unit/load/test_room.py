"""Whether a machine has room for a load's connections."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.load import room
from assay.load.demand import Demand
from assay.load.plan import UNLIMITED
from assay.load.room import Room, lacks

AMPLE = Room(open_files=1_000_000, ports=64_000, tracked=None)


def lacking(demand: Demand, addresses: list[str], workers: int, there: Room) -> list[str]:
    return [lack.detail for lack in lacks(demand, addresses, workers, there)]


def test_open_files_are_counted_at_the_worker_that_has_most() -> None:
    demand = Demand(windows=(4000, 100, 100))
    few = Room(open_files=1500)
    assert lacking(demand, ["a", "b", "c"], 4, few) == []  # a quarter of the large one, and a small one
    (lack,) = lacks(demand, ["a", "b", "c"], 2, few)
    assert "4200 connections over 2 workers need 2200 open files in one, and this user may open 1500" in lack.detail
    assert "ulimit -Hn 2200" in lack.mend
    assert lack.sure


def test_local_ports_are_counted_by_address_so_that_a_proxy_of_several_endpoints_has_their_sum() -> None:
    demand, there = Demand(windows=(14_116, 14_117)), Room(open_files=None, ports=28_232)
    assert lacking(demand, ["a:1", "c:1"], 14, Room(open_files=None, ports=28_234)) == []
    (lack,) = lacks(demand, ["proxy:1", "proxy:1"], 14, there)
    assert lack.detail == "28233 connections to proxy:1 need as many local ports, and there are 28232"
    assert "net.ipv4.ip_local_port_range" in lack.mend
    assert lack.sure


def test_beyond_half_of_the_ports_connections_are_dear_but_possible() -> None:
    (lack,) = lacks(Demand(windows=(14_117,)), ["a:1"], 14, Room(open_files=None, ports=28_232))
    assert "a millisecond each" in lack.detail
    assert not lack.sure


def test_the_kernels_tracking_of_connections_counts_them_all() -> None:
    demand = Demand(windows=(300, 300))
    assert lacking(demand, ["a", "b"], 1, Room(open_files=None, tracked=600)) == []
    (lack,) = lacks(demand, ["a", "b"], 1, Room(open_files=None, tracked=500))
    assert "nf_conntrack_max by at least 100" in lack.mend


def test_what_is_only_a_guess_is_called_one_and_what_nobody_knows_lacks_nothing() -> None:
    none = Room(open_files=10, ports=1, tracked=1)
    assert {lack.sure for lack in lacks(Demand(windows=(512,), guessed=True), ["a"], 1, none)} == {False}
    assert lacks(Demand(windows=(UNLIMITED,)), ["a"], 1, none) == []


def test_a_usual_machine_has_room_and_says_what_it_has(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, text in {"_PORTS": "32768\t60999\n", "_TRACKED": "17\n", "_TRACKED_MOST": "65536\n"}.items():
        (tmp_path / name).write_text(text)
        monkeypatch.setattr(room, name, tmp_path / name)
    here = Room.here()
    assert (here.ports, here.tracked) == (28_232, 65_519)
    (tmp_path / "_TRACKED").unlink()
    assert Room.here().tracked is None
