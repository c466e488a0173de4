"""A clean run raises nothing, however few or uneven its answers are."""

from __future__ import annotations

import random

import pytest
from tests.courses import Load, Server, alerts_of


def clean(seed: int) -> tuple[list[Server], Load]:
    """One to eight endpoints, as fast as each other or not, saturated, idle, or asked for more than they can."""
    draw = random.Random(seed)
    unequal = draw.random() < 0.5
    window, per_seq = draw.choice([1, 4, 8, 32, 64]), draw.choice([0, 0.02, 0.1])
    ttft_s, itl_s = 10 ** draw.uniform(-2, 0), 10 ** draw.uniform(-3, -1.3)
    tokens, sigma = draw.choice([1, 8, 50, 200]), draw.choice([0, 0.5, 1, 1.5])
    servers = [
        Server(
            f"e{number}", window=window * (draw.choice([1, 2]) if unequal else 1), ttft_s=ttft_s, itl_s=itl_s,
            per_seq=per_seq, speed=draw.choice([1, 2, 0.4]) if unequal else 1.0,
            settings={"number": number} if unequal else {},
        )
        for number in range(draw.choice([1, 2, 2, 3, 4, 8]))
    ]  # fmt: skip
    most = sum(s.window / s.takes_s(0, tokens) / (1 + per_seq * s.window) for s in servers)
    share = draw.choice([None, 0.05, 0.3, 0.7, 0.95, 1.3])
    rate = None if share is None else share * most
    return servers, Load(samples=draw.choice([20, 200, 1500]), rate=rate, tokens=tokens, sigma=sigma)


@pytest.mark.parametrize("first", range(0, 100, 25))
def test_none_of_a_hundred_clean_runs_raises_an_alert(first: int) -> None:
    raised = {seed: found for seed in range(first, first + 25) if (found := alerts_of(*clean(seed), seed))}
    assert not raised


def test_nor_does_one_that_is_asked_half_as_much_after_a_while() -> None:
    """Two answers in ten seconds are no rate that is 30 % below."""
    servers = [Server("a"), Server("b")]
    assert not alerts_of(servers, Load(300, rate=0.2), 1)


def test_a_smaller_window_or_other_hardware_makes_no_slow_peer() -> None:
    fast, small = Server("a", window=16), Server("b", window=4)
    assert not alerts_of([fast, small], Load(4000), 1)
    other = Server("b", speed=0.4, accelerators=("A100",))
    assert not alerts_of([Server("a"), other], Load(3000), 1)
