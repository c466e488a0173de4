"""The simulator's clockwork and what it says about itself."""

from __future__ import annotations

import asyncio
import time

import uvloop

from assay.simulator.timer import AbsoluteTimer
from assay.simulator.truth import Lateness


def test_timer_never_rings_early_and_takes_the_last_setting() -> None:
    async def run() -> list[int]:
        rung: list[int] = []
        loop = asyncio.get_running_loop()
        timer = AbsoluteTimer(loop, lambda: rung.append(time.monotonic_ns()))
        start_ns = time.monotonic_ns()
        timer.set(start_ns + 60_000_000_000)
        timer.set(start_ns + 20_000_000)  # in place of the minute
        await asyncio.sleep(0.1)
        timer.set(start_ns)  # already past: at once
        await asyncio.sleep(0.05)
        timer.close()
        return [at_ns - start_ns for at_ns in rung]

    first, second = uvloop.run(run())
    assert second > first >= 20_000_000


def test_lateness() -> None:
    lateness = Lateness()
    assert lateness.summary() == {"chunks": 0, "mean_us": 0.0, "p99_us": 0, "max_us": 0.0}
    for late_us in range(1, 1001):
        lateness.add(late_us * 1000)
    assert lateness.summary() == {"chunks": 1000, "mean_us": 500.5, "p99_us": 1000, "max_us": 1000.0}
