"""Every fault of the simulator, through a real connection, becomes the outcome that names it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.running_simulator import Requests, conversation, simulator

from assay.load.transport import Exchange, Outcome


async def ask_one(requests: Requests) -> list[Exchange]:
    return await requests.ask(max_tokens=8)


@pytest.mark.parametrize(
    ("fault", "outcome", "tokens"),
    [
        ("error_500", Outcome.HTTP_5XX, 0),
        ("error_429", Outcome.HTTP_429, 0),
        ("reset", Outcome.RESET, 4),
        ("half_close", Outcome.TRUNCATED, 4),
        ("garbage", Outcome.MALFORMED, 4),
        ("malformed_sse", Outcome.MALFORMED, 4),
        ("empty", Outcome.EMPTY, 0),
        ("short_count", Outcome.COUNT_MISMATCH, 8),
        ("hang", Outcome.STALL, 4),
    ],
)
def test_fault_on_a_request(tmp_path: Path, fault: str, outcome: Outcome, tokens: int) -> None:
    with simulator(tmp_path, "--fault", f"{fault},after=1", "--itl-ms", "5") as server:

        async def talk(requests: Requests) -> list[Exchange]:
            return await requests.ask() + await requests.ask(max_tokens=8)

        good, bad = conversation(server.url(), talk, stall_timeout_s=0.5)
        truth = server.stop()
    assert good.outcome is Outcome.OK, good.detail
    assert bad.outcome is outcome, bad.detail
    assert len(bad.ids) == tokens
    assert bad.detail
    assert bad.done_ns >= bad.last_ns >= bad.first_ns
    assert [line.get("fault") for line in truth if line.get("user") == "tag-1"] == [fault]


def test_server_that_dies(tmp_path: Path) -> None:
    with simulator(tmp_path, "--fault", "die,after=2", "--itl-ms", "30") as server:

        async def talk(requests: Requests) -> list[Exchange]:
            broken = await requests.ask(4, max_tokens=20)
            assert server.process.wait(10) == 1
            return broken + await requests.ask()

        exchanges = conversation(server.url(), talk)
    assert all(exchange.outcome in (Outcome.RESET, Outcome.TRUNCATED) for exchange in exchanges[:4])
    assert exchanges[4].outcome is Outcome.CONNECT


def test_server_that_refuses_for_a_while(tmp_path: Path) -> None:
    with simulator(tmp_path, "--fault", "refuse,after=1,for=0.5") as server:

        async def talk(requests: Requests) -> list[Exchange]:
            # The second request sets the fault off; of the last two, one goes on the open connection.
            return await requests.ask() + await requests.ask() + await requests.ask(2)

        before, during, old, new = conversation(server.url(), talk)
        while True:
            (after,) = conversation(server.url(), ask_one)
            if after.outcome is not Outcome.CONNECT:
                break
    assert [x.outcome for x in (before, during, old)] == [Outcome.OK] * 3
    assert new.outcome is Outcome.CONNECT
    assert after.outcome is Outcome.OK


def test_hang_that_ends(tmp_path: Path) -> None:
    with simulator(tmp_path, "--fault", "hang,at=0,for=1.0", "--itl-ms", "1") as server:
        (exchange,) = conversation(server.url(), ask_one, stall_timeout_s=5)
    assert exchange.outcome is Outcome.OK
    assert exchange.output_tokens == 8


def test_slow_and_cold_start_factor(tmp_path: Path) -> None:
    with simulator(tmp_path, "--ttft-ms", "20", "--fault", "cold_start,for=60,factor=10") as server:
        (exchange,) = conversation(server.url(), ask_one)
    assert exchange.first_ns - exchange.sent_ns >= 200_000_000


def test_share_of_requests(tmp_path: Path) -> None:
    with simulator(tmp_path, "--fault", "error_500,p=0.5") as server:

        async def talk(requests: Requests) -> list[Exchange]:
            return await requests.ask(200)

        exchanges = conversation(server.url(), talk)
        truth = server.stop()
    failed = {f"tag-{x.tag}" for x in exchanges if x.outcome is Outcome.HTTP_5XX}
    assert failed == {line["user"] for line in truth if line.get("fault")}
    assert 60 < len(failed) < 140
