"""A connection fed with bytes directly: framing, damage, random input. The wire itself is tested in integration."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.wire import Wire, chunked, head

from assay.load.transport import Exchange, Outcome

EVENTS = (
    b'data: {"choices":[{"index":0,"text":" a","finish_reason":null,"token_ids":[1]}]}\n\n',
    b'data: {"choices":[{"index":0,"text":" b","finish_reason":null,"token_ids":[2]}]}\n\n',
    b'data: {"choices":[{"index":0,"text":" c","finish_reason":"stop","token_ids":[3]}]}\n\n',
    b'data: {"choices":[],"usage":{"prompt_tokens":4,"completion_tokens":3}}\n\n',
    b"data: [DONE]\n\n",
)
BODY = b"".join(EVENTS)
WHOLE = (
    b'{"choices":[{"index":0,"text":" a b","finish_reason":"stop","token_ids":[1,2]}],"usage":{"completion_tokens":2}}'
)


CHUNKED = head(b"Transfer-Encoding: chunked") + chunked(*EVENTS)


def seen(wire: Wire) -> tuple[Any, ...]:
    exchange = wire.exchange
    return exchange.outcome, exchange.ids.tolist(), exchange.text(), exchange.usage_completion, exchange.finish_reason


GOOD = (Outcome.OK, [1, 2, 3], " a b c", 3, "stop")


@pytest.mark.parametrize(
    "reply",
    [
        CHUNKED,
        head(b"Content-Length: %d" % len(BODY)) + BODY,
        head(b"transfer-encoding: chunked") + chunked(BODY),
        head(b"transfer-encoding: chunked") + chunked(*[bytes([byte]) for byte in BODY]),
        head(b"transfer-encoding: chunked") + chunked(*EVENTS, trailer=b"x-took: 5\r\n"),
        b"HTTP/1.1 100 Continue\r\n\r\n" + CHUNKED,
        b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + CHUNKED,
    ],
    ids=["chunked", "length", "one-chunk", "byte-chunks", "trailer", "continue", "early-hints"],
)
def test_framings_cut_at_every_byte(reply: bytes) -> None:
    for cut in range(len(reply)):
        wire = Wire().feed(reply, cut)
        assert seen(wire) == GOOD
        assert wire.told == ["first", "done"]
        assert not wire.aborted
    byte_by_byte = Wire().feed(reply, *range(len(reply)))
    assert seen(byte_by_byte) == GOOD


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_reply_ended_by_the_connection(version: bytes) -> None:
    wire = Wire().feed(head(b"Content-Type: text/event-stream", version=version) + BODY)
    assert wire.exchange.outcome is None
    wire.connection.connection_lost(None)
    assert seen(wire) == GOOD
    assert wire.told == ["first", "done", "lost"]


def test_a_stream_cut_off_is_never_good() -> None:
    for cut in range(len(CHUNKED)):
        wire = Wire().feed(CHUNKED[:cut])
        wire.connection.connection_lost(None)
        assert wire.exchange.outcome is Outcome.TRUNCATED
        assert wire.told[-2:] == ["done", "lost"]
        broken = Wire().feed(CHUNKED[:cut])
        broken.connection.connection_lost(ConnectionResetError("reset"))
        assert broken.exchange.outcome is Outcome.RESET


def test_whole_reply_when_none_was_streamed() -> None:
    wire = Wire(b'{"stream":false}').feed(head(b"Content-Length: %d" % len(WHOLE)) + WHOLE, 20, 60, 90)
    assert seen(wire) == (Outcome.OK, [1, 2], " a b", 2, "stop")
    assert wire.exchange.chunk_tokens.tolist() == [2]
    refused = Wire().feed(head(b"Content-Length: %d" % len(WHOLE)) + WHOLE)
    assert refused.exchange.outcome is Outcome.MALFORMED


@pytest.mark.parametrize(
    ("reply", "outcome", "reason"),
    [
        (head(b"Content-Length: 4", status=b"429 Slow") + b"slow", Outcome.HTTP_429, "slow"),
        (head(b"Content-Length: 3", status=b"404 No") + b"no!", Outcome.HTTP_4XX, "no!"),
        (head(b"Content-Length: 3", status=b"503 No") + b"no!", Outcome.HTTP_503, "no!"),
        (head(b"Content-Length: 3", status=b"500 No") + b"no!", Outcome.HTTP_5XX, "no!"),
        (head(b"Content-Length: 0", status=b"408 Late"), Outcome.HTTP_408, "without a word"),
        (head(b"Location: /x", b"Content-Length: 0", status=b"302 Found"), Outcome.REDIRECTED, "a redirect to /x"),
        (head(b"Content-Encoding: gzip", b"Content-Length: 2") + b"\x1f\x8b", Outcome.COMPRESSED, "compressed (gzip)"),
        (head(status=b"204 No Content"), Outcome.MALFORMED, "204"),
        (head(b"Content-Length: 0"), Outcome.EMPTY, "no body"),
        (head(b"Content-Length: 14") + b"<html></html>\n", Outcome.MALFORMED, "<html>"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", Outcome.MALFORMED, "SSH-2.0"),
        (head(b"Transfer-Encoding: chunked") + b"zz\r\n", Outcome.MALFORMED, "zz"),
        (head(b"Upgrade: x", b"Connection: upgrade", status=b"101 Switching"), Outcome.MALFORMED, "101"),
    ],
)
def test_bad_replies(reply: bytes, outcome: Outcome, reason: str) -> None:
    wire = Wire().feed(reply)
    assert wire.exchange.outcome is outcome
    assert reason in wire.exchange.detail
    assert wire.told == ["done"]


def test_a_head_without_end_is_given_up() -> None:
    wire = Wire().feed(b"HTTP/1.1 200 OK\r\n")
    for number in range(40):
        if wire.exchange.outcome is None:
            wire.feed(b"x-%d: " % number + b"y" * 10_000 + b"\r\n")
    assert wire.exchange.outcome is Outcome.MALFORMED


def test_what_follows_a_good_reply_costs_the_connection_only() -> None:
    for extra in (b"junk", CHUNKED, head(b"Content-Length: 2", status=b"500 x") + b"no"):
        wire = Wire().feed(CHUNKED + extra)
        assert seen(wire) == GOOD
        assert wire.exchange.http_status == 200
    idle = Wire().feed(CHUNKED)
    assert not idle.aborted
    idle.feed(b"unasked")
    assert idle.aborted


def test_a_connection_that_says_close_is_not_kept() -> None:
    wire = Wire().feed(head(b"Connection: close", b"Transfer-Encoding: chunked") + chunked(*EVENTS))
    assert seen(wire) == GOOD
    assert wire.aborted


def test_second_request_on_a_dropped_connection_goes_back() -> None:
    wire = Wire().feed(CHUNKED)
    again = Exchange(8)
    wire.connection.send(again, b"{}")
    wire.connection.connection_lost(ConnectionResetError())
    assert wire.told == ["first", "done", "dropped", "lost"]
    assert again.outcome is None
    assert again.reused


def test_a_server_that_dies_later_is_at_fault() -> None:
    wire = Wire().feed(CHUNKED)
    again = Exchange(8)
    wire.connection.send(again, b"{}")
    wire.connection.heard_ns -= 300_000_000  # the request was sent 300 ms ago
    wire.connection.connection_lost(ConnectionResetError())
    assert again.outcome is Outcome.RESET


def check_ended_properly(wire: Wire) -> None:
    wire.connection.connection_lost(None)
    assert wire.exchange.outcome is not None
    assert wire.told.count("done") == 1
    assert wire.told.count("first") == (1 if wire.exchange.first_ns else 0)
    if "first" in wire.told:
        assert wire.told.index("first") < wire.told.index("done")


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=4))
def test_random_bytes_never_raise(data: bytes, cuts: list[int]) -> None:
    for prefix in (b"", head(b"Transfer-Encoding: chunked"), head(), head(b"Content-Length: 900")):
        wire = Wire().feed(prefix + data, *(len(prefix) + min(cut, len(data)) for cut in cuts))
        check_ended_properly(wire)
        assert wire.exchange.outcome is not Outcome.OK


def test_damaged_replies_never_raise() -> None:
    draw = random.Random(5)
    for _ in range(2000):
        reply = bytearray(CHUNKED)
        for _ in range(draw.randint(1, 4)):
            at = draw.randrange(len(reply))
            reply[at : at + draw.randint(0, 3)] = draw.randbytes(draw.randint(0, 3))
        check_ended_properly(Wire().feed(bytes(reply), draw.randrange(len(reply))))


@pytest.mark.parametrize(
    ("value", "wait_s"),
    [(b"3", 3), (b"999999999999999999999999", 3600), (b"soon", 0), (b"-5", 0), (b"Wed, 21 Oct 2015 07:28:00 GMT", 0)],
)
def test_how_long_to_wait_is_taken_from_the_reply(value: bytes, wait_s: int) -> None:
    wire = Wire().feed(head(b"Retry-After: " + value, b"Content-Length: 4", status=b"429 Slow") + b"slow")
    assert wire.exchange.retry_after_ns == wait_s * 10**9


def test_a_time_to_come_back_is_read_too() -> None:
    value = format_datetime(datetime.now(UTC) + timedelta(seconds=50), usegmt=True).encode()
    wire = Wire().feed(head(b"Retry-After: " + value, b"Content-Length: 4", status=b"503 Busy") + b"busy")
    assert 40e9 < wire.exchange.retry_after_ns <= 50e9
