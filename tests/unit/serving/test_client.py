"""Control requests: bounded in time and size, and told in the server's own words."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from assay.serving import client as client_module
from assay.serving.client import ControlClient, ControlError
from assay.serving.connection import EndpointConnection

Ask = Callable[[ControlClient], Awaitable[Any]]


def asked(reply: bytes, ask: Ask, *, pause_s: float = 0.0, url: str = "http://127.0.0.1:{port}") -> tuple[Any, bytes]:
    """What `ask` gives against a server that sends `reply`, a byte every `pause_s`; and the request it saw."""
    seen = b""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        try:
            seen = await reader.read(64 << 10)
            pieces = [bytes([byte]) for byte in reply] if pause_s else [reply]
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(pause_s)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def run() -> Any:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            return await ask(ControlClient(EndpointConnection(url=url.format(port=port))))
        finally:
            server.close()

    return asyncio.run(run()), seen


def plain(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    head = "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers))
    return head.encode() + b"\r\n" + body


def refused(reply: bytes, ask: Ask, **how: Any) -> ControlError:
    with pytest.raises(ControlError) as raised:
        asked(reply, ask, **how)
    return raised.value


def test_models_are_asked_below_the_base_path() -> None:
    names, request = asked(
        plain(b'{"data": [{"id": "a"}, {"id": "b"}]}'),
        lambda client: client.models(),
        url="http://127.0.0.1:{port}/serving/llm",
    )
    assert names == ["a", "b"]
    assert request.startswith(b"GET /serving/llm/v1/models HTTP/1.1\r\n")
    assert b"\r\nAccept-Encoding: identity\r\n" in request


@pytest.mark.parametrize(
    ("said", "limit"),
    [
        (b'"max_model_len": 900', 900),
        (b'"max_model_len": "many"', None),
        (b'"max_model_len": 0', None),
        (b'"max_model_len": true', None),
        (b'"x": 1', None),
    ],
)
def test_a_model_may_say_how_much_it_holds(said: bytes, limit: int | None) -> None:
    reply = plain(b'{"data": [{"id": "other", "max_model_len": 5}, {"id": "m", %b}]}' % said)
    assert asked(reply, lambda client: client.context_limit("m"))[0] == limit


def test_a_reply_without_a_length_ends_with_its_connection() -> None:
    assert asked(b"HTTP/1.0 200 OK\r\n\r\n{}", lambda client: client.get_json("/x"))[0] == {}


@pytest.mark.parametrize(
    ("reply", "words", "passing"),
    [
        (plain(b'{"error": "missing api-key"}', "401 No"), 'answers 401: {"error": "missing api-key"}', False),
        (plain(b'{"detail":"Not Found"}', "404 No"), "/v1/models answers 404", False),
        (plain(b"busy", "503 No"), "answers 503: busy", True),
        (plain(b"", "307 X", "Location: https://other/v1"), "a redirect to https://other/v1", False),
        (plain(b"\x1f\x8b", "200 OK", "Content-Encoding: gzip"), "compressed (gzip)", False),
        (plain(b"<html>"), "no JSON: <html>", False),
        (plain(b'{"data": [{"id": 7}]}'), "no list of models", False),
        (plain(b'{"data": 7}'), "no list of models", False),
        (plain(b'{"data": [{"id": "\\u001b[31mred"}]}'), "no list of models", False),
        (plain(b'{"data": [{"id": "%b"}]}' % (b"m" * 5000)), "no list of models", False),
        (plain(b"[" * 100_000), "no JSON", False),
        (b"SSH-2.0-OpenSSH\r\n", "answers no HTTP", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", "the connection was closed", True),
        (b"", "the connection was closed", True),
    ],
)
def test_what_is_no_list_of_models_is_told_in_the_servers_words(reply: bytes, words: str, passing: bool) -> None:
    error = refused(reply, lambda client: client.models())
    assert words in str(error)
    assert error.passing is passing


def test_a_reply_that_drips_is_bounded_as_a_whole() -> None:
    error = refused(plain(b"{}" + b" " * 1000), lambda client: client.get_json("/x", limit_s=0.3), pause_s=0.01)
    assert error.kind == "timeout"
    assert "no answer after 0.3 s" in str(error)


def test_a_reply_is_bounded_in_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "MAX_REPLY_BYTES", 1 << 20)
    assert "more than 1 MiB" in str(refused(plain(b"x" * (2 << 20)), lambda client: client.get("/x")))


def test_a_plain_server_asked_for_tls_is_told_as_that() -> None:
    error = refused(plain(b"{}"), lambda client: client.models(), url="https://127.0.0.1:{port}")
    assert error.kind == "tls"
    assert "no TLS connection" in str(error)


def test_nobody_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        client = ControlClient(EndpointConnection(url=f"http://127.0.0.1:{taken.getsockname()[1]}"))
        with pytest.raises(ControlError) as raised:
            asyncio.run(client.models())
    assert raised.value.kind == "unreachable"
    assert str(raised.value).endswith("/v1/models has no answer: Connection refused")
    assert raised.value.passing
