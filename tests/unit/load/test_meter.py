"""What the load tells of itself: of many endpoints seldom, so that a day's events stay small."""

from __future__ import annotations

from pathlib import Path

from tests.simulated import make_plan

from assay.load.meter import Meter
from assay.load.router import Router
from assay.runs.progress import ProgressEvent, event_line

SECOND = 1_000_000_000


def metered(folder: Path, endpoints: int) -> tuple[Meter, Router]:
    plan = make_plan(folder / "run", [f"http://127.0.0.1:{port}" for port in range(1, endpoints + 1)])
    meter = Meter(plan)
    meter.begin(0)
    return meter, Router([1] * endpoints, lambda _: 1.0, max_attempts=3, offline_epoch=None)


def events(meter: Meter, router: Router, seconds: int) -> list[ProgressEvent]:
    """As the driver tells them."""
    told, now_ns = [], 0
    while now_ns < seconds * SECOND:
        told.append(meter.progress(router, now_ns))
        now_ns += meter.interval_ns(now_ns)
    return told


def test_few_endpoints_are_told_of_in_each_event(tmp_path: Path) -> None:
    told = events(*metered(tmp_path, 64), seconds=60)
    assert len(told) == 120
    assert all(len(event.endpoints) == 64 for event in told)


def test_a_thousand_are_told_of_every_16_s_and_a_day_of_it_stays_small(tmp_path: Path) -> None:
    meter, router = metered(tmp_path, 1024)
    telling = [event.time_ns for event in events(meter, router, 64) if event.endpoints]
    assert telling == [0, 16 * SECOND, 32 * SECOND, 48 * SECOND]
    meter, router = metered(tmp_path, 1024)
    times = sum(meter._are_due(router, now_ns) for now_ns in range(0, 86_400 * SECOND, 2 * SECOND))
    assert times * len(event_line(meter.progress(router, 0, last=True))) < 250_000_000


def test_one_that_is_out_or_back_is_told_at_once_and_the_last_event_tells_of_all(tmp_path: Path) -> None:
    meter, router = metered(tmp_path, 1024)
    told = [bool(meter.progress(router, 0).endpoints), bool(meter.progress(router, SECOND).endpoints)]
    router.take_out(7)
    out = meter.progress(router, 2 * SECOND)
    told += [out.endpoints["sim7"].out, bool(meter.progress(router, 3 * SECOND).endpoints)]
    router.probed(7, healthy=True)
    back = meter.progress(router, 4 * SECOND)
    assert told == [True, False, True, False]
    assert not back.endpoints["sim7"].out
    assert not meter.progress(router, 5 * SECOND).endpoints
    assert len(meter.progress(router, 6 * SECOND, last=True).endpoints) == 1024
