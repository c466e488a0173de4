"""The benchmark of many endpoints measures what it says. How fast it was decides nothing here."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

_DRIVER = ("driver_samples_per_s", "driver_samples_per_cpu_s", "loadgen_alone_samples_per_s")
_BENCHMARKS = str(Path(__file__).parents[3] / "benchmarks")


@pytest.fixture(autouse=True)
def _benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [_BENCHMARKS, *sys.path])


def test_the_routers_figures_are_there_for_each_scenario_and_size() -> None:
    import fleet
    import fleet_router

    found = fleet_router.measure(rounds=1, samples=300, plain_limit_s=0.01)
    assert list(found["router_us_per_sample"]) == ["Offline", "Server"]
    for figures in found["router_us_per_sample"].values():
        assert list(figures) == ["2", "64", "256", "1024"]
        assert min(figures.values()) > 0
    driver = {f"{name}_{scenario}": 50_000 for name in _DRIVER for scenario in ("offline", "server")}
    held = {"null_endpoints": 1024, "in_flight": 9, "driver_bytes_per_sample_in_flight": 301}
    goals = {**fleet_router.GOALS, "driver_samples_per_s": 50_000, "driver_bytes_per_sample_in_flight": 300}
    told = fleet.as_text({**found, **driver, **held, "goals": goals})
    assert "router, 1024 endpoints / 2: " in told
    assert "driver, server, 1024 endpoints: 50,000 samples/s, 50,000 a CPU second (goal 50,000: met)" in told
    assert "driver, 9 in flight: 301 bytes a sample (goal 300: not met)" in told


@pytest.mark.parametrize("scenario", ["Offline", "Server"])
def test_both_boards_send_every_sample(scenario: str) -> None:
    import fleet_router

    for limit_s in (None, 60.0):
        spent_us, sent = fleet_router._spent_us(scenario, 8, 300, limit_s)
        assert sent == 300
        assert spent_us > 0


def test_a_board_that_is_too_slow_is_stopped_and_said_so() -> None:
    import fleet
    import fleet_router

    spent_us, sent = fleet_router._spent_us("Offline", 1024, 3_000, 0.01)
    assert sent < 3_000
    plain = {"us_per_sample": round(spent_us), "samples_sent": sent, "ended": False}
    assert fleet._plain_text(plain, 0.01).endswith((" 0.01 CPU seconds", " 0.01 CPU seconds were over"))
