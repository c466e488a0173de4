"""Connections: reuse, idle drops, cancelling, timeouts, TLS, authorization, against real sockets."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import uvloop
from tests.certificates import make_certificate
from tests.running_simulator import Requests, body, conversation, settings_for, simulator

from assay.errors import UserError
from assay.load.transport import EndpointPool, Exchange, Opening, Outcome, Pace

REPLY_BODY = b'data: {"choices":[{"index":0,"text":" a","finish_reason":"stop","token_ids":[1]}]}\n\ndata: [DONE]\n\n'
REPLY = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(REPLY_BODY), REPLY_BODY)
Talk = Callable[[Requests], Awaitable[list[Exchange]]]
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def next_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return head + await reader.readexactly(length)


def with_server(serve: Serve, talk: Talk, **settings: float | str) -> tuple[list[Exchange], Requests]:
    """Runs `talk` against a server that treats each connection with `serve`."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def run() -> tuple[list[Exchange], Requests]:
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        requests = Requests(settings_for(f"http://127.0.0.1:{port}", **settings))
        try:
            return await talk(requests), requests
        finally:
            await requests.pool.close()
            server.close()

    return uvloop.run(run())


def test_connections_are_reused(tmp_path: Path) -> None:
    with simulator(tmp_path) as server:

        async def talk(requests: Requests) -> tuple[list[Exchange], int, int]:
            exchanges = await requests.ask(3)
            for _ in range(5):
                exchanges += await requests.ask(3)
            assert await requests.pool.warm(5) == 5
            return exchanges, requests.pool.stats.opened, requests.pool.stats.reused

        exchanges, opened, reused = conversation(server.url(), talk)
    assert [x.outcome for x in exchanges] == [Outcome.OK] * 18
    assert (opened, reused) == (5, 15)
    assert [x.reused for x in exchanges] == [False] * 3 + [True] * 15


@pytest.mark.parametrize("with_rst", [False, True])
def test_idle_connection_that_the_server_drops(with_rst: bool) -> None:
    """The server answers once on each connection and ends it when the next request comes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await next_request(reader)
        writer.write(REPLY)
        await next_request(reader)
        if with_rst:
            raw = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    async def talk(requests: Requests) -> list[Exchange]:
        return await requests.ask() + await requests.ask()

    (first, second), requests = with_server(serve, talk)
    assert (first.outcome, second.outcome) == (Outcome.OK, Outcome.OK)
    assert second.reused
    assert second.resent
    assert not first.resent
    assert requests.pool.stats.resent == 1
    assert requests.told == [("first", 0), ("done", 0), ("first", 1), ("done", 1)]


class First(Pace):
    """Lets one connection begin, and no other."""

    def wait_ns(self, now_ns: int) -> int:
        return 3_600_000_000_000 * bool(super().wait_ns(now_ns))


def test_connections_wait_for_their_turn_and_can_be_given_up_meanwhile(tmp_path: Path) -> None:
    async def run() -> tuple[list[Exchange], int]:
        loop, ended = asyncio.get_running_loop(), asyncio.Queue[Exchange]()
        opening = Opening(First(per_s=1e-3, burst=1))
        pool = EndpointPool(settings_for(server.url()), lambda exchange: None, ended.put_nowait, loop, opening)
        try:
            for tag in range(2):
                pool.submit(tag, body())
            first = await ended.get()
            pool.submit(2, body())  # takes the connection that there is
            again = await ended.get()
            pool.cancel(1)
            return [first, again, await ended.get()], pool.stats.opened
        finally:
            await pool.close()

    with simulator(tmp_path) as server:
        exchanges, opened = uvloop.run(run())
    assert [(exchange.tag, exchange.outcome) for exchange in exchanges] == [
        (0, Outcome.OK), (2, Outcome.OK), (1, Outcome.CANCELLED),
    ]  # fmt: skip
    assert opened == 1


def test_old_idle_connection_is_not_used_again() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await next_request(reader)
            writer.write(REPLY)

    async def talk(requests: Requests) -> list[Exchange]:
        first = await requests.ask()
        await asyncio.sleep(0.15)
        return first + await requests.ask()

    (_, second), requests = with_server(serve, talk, keepalive_s=0.1)
    assert second.outcome is Outcome.OK
    assert not second.reused
    assert requests.pool.stats.opened == 2


def test_stall_and_request_timeouts() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await next_request(reader)
        while b"drip" in request:
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            await asyncio.sleep(0.05)
        await asyncio.sleep(20)

    async def talk(requests: Requests) -> list[Exchange]:
        requests.send(0, body(user="silent"))
        requests.send(1, body(user="drip"))
        return await requests.wait(0, 1)

    (silent, dripping), _ = with_server(serve, talk, stall_timeout_s=0.4, request_timeout_s=0.9)
    assert silent.outcome is Outcome.STALL
    assert silent.done_ns - silent.sent_ns > 0.4e9
    assert dripping.outcome is Outcome.TIMEOUT
    assert dripping.done_ns - dripping.sent_ns > 0.9e9


def test_cancel(tmp_path: Path) -> None:
    with simulator(tmp_path, "--itl-ms", "50") as server:

        async def talk(requests: Requests) -> list[Exchange]:
            requests.send(0, body(max_tokens=100))
            requests.send(1, body(max_tokens=100))
            requests.pool.cancel(0)  # while connecting
            while not requests.exchanges[1].first_ns:
                await asyncio.sleep(0.01)
            requests.pool.cancel(1)
            requests.pool.cancel(99)
            requests.send(2, body(max_tokens=2))
            requests.send(3, body(max_tokens=100))
            ended = await requests.wait(0, 1, 2)
            await requests.pool.close()
            with pytest.raises(ValueError):
                requests.pool.submit(5, body())
            return ended + await requests.wait(3)

        outcomes = [x.outcome for x in conversation(server.url(), talk)]
        truth = server.stop()
    assert outcomes == [Outcome.CANCELLED, Outcome.CANCELLED, Outcome.OK, Outcome.CANCELLED]
    assert sorted(line["status"] for line in truth if "status" in line) == ["done", "dropped", "dropped"]


def test_a_tag_in_flight_is_refused(tmp_path: Path) -> None:
    with simulator(tmp_path, "--itl-ms", "20") as server:

        async def talk(requests: Requests) -> list[Exchange]:
            requests.send(0, body())
            with pytest.raises(ValueError):
                requests.pool.submit(0, body())
            return await requests.wait(0)

        assert conversation(server.url(), talk)[0].outcome is Outcome.OK


def test_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        (exchange,) = conversation(url, lambda requests: requests.ask())
    assert exchange.outcome is Outcome.CONNECT
    assert "127.0.0.1" in exchange.detail
    assert exchange.sent_ns == 0


def test_submitting_from_a_callback(tmp_path: Path) -> None:
    """As the load does: the next request goes out when one is done, on the connection that is now free."""
    with simulator(tmp_path) as server:

        async def run() -> tuple[list[Exchange], int]:
            done: list[Exchange] = []
            ended = asyncio.Event()

            def on_done(exchange: Exchange) -> None:
                done.append(exchange)
                if len(done) < 50:
                    pool.submit(len(done), body())
                else:
                    ended.set()

            settings = settings_for(server.url())
            pool = EndpointPool(settings, lambda exchange: None, on_done, asyncio.get_running_loop())
            pool.submit(0, body())
            await asyncio.wait_for(ended.wait(), 20)
            await pool.close()
            return done, pool.stats.opened

        done, opened = uvloop.run(run())
    assert [x.outcome for x in done] == [Outcome.OK] * 50
    assert opened == 1


def test_https_is_verified(tmp_path: Path) -> None:
    cert, key = make_certificate(tmp_path)
    with simulator(tmp_path, "--tls-cert", str(cert), "--tls-key", str(key)) as server:
        url = server.url(scheme="https")
        (trusted,) = conversation(url, lambda r: r.ask(max_tokens=500), ca_file=cert)
        (unknown,) = conversation(url, lambda r: r.ask())
        (unverified,) = conversation(url, lambda r: r.ask(), verify_tls=False)
    assert trusted.outcome is Outcome.OK
    assert trusted.output_tokens == 500
    assert unknown.outcome is Outcome.TLS
    assert "certificate" in unknown.detail
    assert unverified.outcome is Outcome.OK


def test_tls_to_a_plain_server(tmp_path: Path) -> None:
    with simulator(tmp_path) as server:
        (exchange,) = conversation(server.url(scheme="https"), lambda r: r.ask())
    assert exchange.outcome is Outcome.TLS


def test_authorization_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await next_request(reader))
        writer.write(REPLY)

    monkeypatch.setenv("ASSAY_TEST_KEY", "abc")
    with_server(serve, lambda r: r.ask(), api_key_env="ASSAY_TEST_KEY")
    assert b"\r\nAuthorization: Bearer abc\r\n" in received[0]
    settings = settings_for("http://127.0.0.1:1", api_key_env="ASSAY_TEST_KEY")
    assert "abc" not in repr(settings)
    monkeypatch.delenv("ASSAY_TEST_KEY")
    with pytest.raises(UserError, match="ASSAY_TEST_KEY"):
        settings.request_head()


@pytest.mark.parametrize(
    ("asked", "outcome", "wait_s"),
    [(b"19", Outcome.HTTP_503, 19), (b"21", Outcome.LONG_WAIT, 0), (b"9" * 300, Outcome.LONG_WAIT, 0)],
)
def test_who_asks_to_wait_for_longer_than_a_request_may_has_failed(asked: bytes, outcome: Outcome, wait_s: int) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await next_request(reader)
        writer.write(b"HTTP/1.1 503 Busy\r\nRetry-After: %b\r\nContent-Length: 4\r\n\r\nfull" % asked)
        await writer.drain()

    async def talk(requests: Requests) -> list[Exchange]:
        return await requests.ask()

    (exchange,), _ = with_server(serve, talk, request_timeout_s=20.0)
    assert exchange.outcome is outcome
    assert exchange.retry_after_ns == wait_s * 10**9
    assert ("load.request_timeout_s: 20" in exchange.detail) is (outcome is Outcome.LONG_WAIT)
    assert exchange.detail.endswith("HTTP 503: full")
