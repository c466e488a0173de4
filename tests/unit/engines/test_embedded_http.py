"""The embedded server's HTTP, spoken byte by byte over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from assay.engines.embedded.http import Exchange, Handler, HttpConnection, Request, UnfinishedAnswerError

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def _echo(request: Request, exchange: Exchange) -> None:
    if request.path == "/stream":
        exchange.start_stream("text/plain")
        exchange.send_part(b"one")
        exchange.send_part(b"two")
        exchange.end_stream()
    elif request.path == "/unfinished":
        exchange.start_stream("text/plain")
        exchange.send_part(b"one")
        raise UnfinishedAnswerError
    elif request.path == "/broken":
        raise ValueError("a defect")
    else:
        exchange.send(200, f"{request.method} {request.path} ".encode() + request.body, "text/plain")


def _converse(talk: Talk, handler: Handler = _echo) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: HttpConnection(handler), "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            await asyncio.wait_for(talk(reader, writer), 20)
            writer.close()

    asyncio.run(run())


def _all_of(request: bytes) -> bytes:
    """What comes back for `request` until the server closes."""
    received = b""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal received
        writer.write(request)
        received = await reader.read()

    _converse(talk)
    return received


def test_requests_on_one_connection_are_answered_in_turn() -> None:
    answer = _all_of(
        b"POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
        b"POST /b?x=1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n0\r\n\r\n"
        b"GET /c HTTP/1.1\r\nConnection: close\r\n\r\n"
    )
    bodies = [part.split(b"\r\n\r\n")[1] for part in answer.split(b"HTTP/1.1 200 OK")[1:]]
    assert bodies == [b"POST /a abc", b"POST /b de", b"GET /c "]


def test_a_request_in_single_bytes_is_read() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for byte in b"POST /a HTTP/1.1\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi":
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)
        assert (await reader.read()).endswith(b"POST /a hi")

    _converse(talk)


def test_a_stream_is_chunked_and_ends() -> None:
    answer = _all_of(b"GET /stream HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert answer.endswith(b"\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")


def test_an_old_client_gets_a_stream_that_ends_with_the_connection() -> None:
    answer = _all_of(b"GET /stream HTTP/1.0\r\n\r\n")
    assert b"chunked" not in answer
    assert answer.endswith(b"\r\n\r\nonetwo")


def test_an_unfinished_answer_is_recognisable() -> None:
    answer = _all_of(b"GET /unfinished HTTP/1.1\r\n\r\n")
    assert answer.endswith(b"3\r\none\r\n")


def test_a_defect_is_answered_500() -> None:
    assert _all_of(b"GET /broken HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 500 ")


def test_what_is_no_http_is_refused() -> None:
    assert _all_of(b"\x16\x03\x01\x02\x00 hello\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_too_large_a_head_is_refused() -> None:
    head = b"".join(b"X-%d: %b\r\n" % (n, b"y" * 1000) for n in range(80))
    assert _all_of(b"GET / HTTP/1.1\r\n" + head + b"\r\n").startswith(b"HTTP/1.1 431 ")


def test_too_large_a_body_is_refused() -> None:
    assert _all_of(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (17 << 20)).startswith(b"HTTP/1.1 413 ")


def test_an_offered_upgrade_is_ignored() -> None:
    answer = _all_of(b"GET /a HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_a_client_that_waits_for_permission_gets_it() -> None:
    answer = _all_of(b"POST /a HTTP/1.1\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx")
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 ")


def test_a_client_that_leaves_cancels_its_handler() -> None:
    cancelled = asyncio.Event()

    async def endless(request: Request, exchange: Exchange) -> None:
        exchange.start_stream("text/plain")
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        writer.close()
        await cancelled.wait()

    _converse(talk, endless)
