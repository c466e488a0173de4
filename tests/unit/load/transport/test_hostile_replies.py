"""What a server may send to hold a run up: floods, depths, and words that aren't names."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest
from tests.wire import Wire, head

from assay.load.transport import Exchange, Outcome
from assay.load.transport.connection import MAX_SILENT_BYTES
from assay.load.transport.events import EventStream
from assay.load.transport.lessons import Lessons
from assay.load.transport.reply import BadReplyError

_PIECE = 64 << 10
TOKEN = b'data: {"choices":[{"index":0,"text":" a"}]}\n\n'
NO_TOKEN = b'data: {"choices":[]}\n\n'


def flooded(begin: bytes, unit: bytes) -> tuple[Wire, int]:
    """A reply that begins so and goes on with `unit` for 59 MB; what became of it, and after how many bytes."""
    wire, sent = Wire().feed(head() + begin), 0
    piece = unit * (_PIECE // len(unit))
    while wire.exchange.outcome is None and sent < 59_000_000:
        wire.feed(piece)
        sent += len(piece)
    return wire, sent


@pytest.mark.parametrize("begin", [b"", TOKEN])
@pytest.mark.parametrize(
    "unit", [b"\n", b"\r\n", b" ", b":\n\n", b"data:\n\n", NO_TOKEN, b"event: ping\ndata: 1\n\n", b"id: 7\n"]
)
def test_a_stream_that_says_nothing_is_given_up(begin: bytes, unit: bytes) -> None:
    wire, sent = flooded(begin, unit)
    assert wire.exchange.outcome is Outcome.MALFORMED
    assert sent <= MAX_SILENT_BYTES + _PIECE
    assert wire.aborted


def test_trailers_without_end_are_given_up() -> None:
    wire = Wire().feed(head(b"Transfer-Encoding: chunked") + b"%x\r\n%b\r\n0\r\n" % (len(TOKEN), TOKEN))
    sent = 0
    while wire.exchange.outcome is None and sent < 59_000_000:
        wire.feed(b"a: b\r\n" * 10_000)
        sent += 60_000
    assert wire.exchange.outcome is Outcome.MALFORMED
    assert sent <= MAX_SILENT_BYTES + 60_000


def test_a_long_stream_of_tokens_is_no_flood() -> None:
    wire, sent = Wire().feed(head() + TOKEN), 0
    while sent < 2 * MAX_SILENT_BYTES:
        wire.feed(TOKEN + b": ping\n\n" * 1000)
        sent += 8 * 1000
    assert wire.exchange.outcome is None


def test_an_event_without_end_is_searched_for_known_ones_only_while_it_is_short() -> None:
    stream = EventStream(Exchange(0))
    stream.feed(b"data: {", 1)
    with patch.object(Lessons, "take", autospec=True, return_value=0) as take:
        for _ in range(100):
            stream.feed(b" " * 1000, 1)
    assert take.call_count < 4


def test_blank_lines_are_no_events() -> None:
    stream = EventStream(Exchange(0))
    with patch.object(EventStream, "_block", autospec=True) as block:
        stream.feed(TOKEN + b"\n" * 100_000, 1)
        stream.feed(b"\n" * 100_000 + TOKEN, 2)
    assert block.call_count < 6


@pytest.mark.parametrize("deep", [b"[" * 100_000, b'{"a":' * 100_000, b"[" * 100_000 + b"]" * 100_000])
def test_deep_json_fails_its_request(deep: bytes) -> None:
    for body in (b"data: " + deep + b"\n\n", b'{"choices": ' + deep):
        wire = Wire(b"{}").feed(head(b"Content-Length: %d" % len(body)) + body)
        assert wire.exchange.outcome is Outcome.MALFORMED


def choice(**said: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "text": "a", **said}]}


@pytest.mark.parametrize(
    "bad",
    [
        b'"model": 7, "choices": []',
        b'"model": ["m"], "choices": []',
        b'"model": "\\u001b]0;owned\\u0007", "choices": []',
        b'"model": "%b", "choices": []' % (b"m" * 5000),
        b'"choices": [{"index": 0, "text": "a", "finish_reason": "\\u001b[2J"}]',
        b'"choices": [{"index": 0, "text": "a", "finish_reason": "%b"}]' % (b"s" * 5000),
    ],
)
def test_what_is_no_name_fails_its_request(bad: bytes) -> None:
    with pytest.raises(BadReplyError, match="that isn't a name") as raised:
        EventStream(Exchange(0)).feed(b"data: {%b}\n\n" % bad, 1)
    assert raised.value.outcome is Outcome.MALFORMED
    assert raised.value.detail.isprintable()


def test_the_models_name_is_kept_and_the_last_counts() -> None:
    exchange = Exchange(0)
    stream = EventStream(exchange)
    named = b'data: {"model":"%b","choices":[{"index":0,"text":" a"}]}\n\n'
    stream.feed(named % b"big" * 9, 1)
    assert exchange.model == "big"
    stream.feed(named % b"small", 2)
    assert exchange.model == "small"
    assert exchange.text() == " a" * 10
