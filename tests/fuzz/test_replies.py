"""Whatever a server sends, its request ends with one outcome that a record can hold, and nothing else is touched."""

from __future__ import annotations

import asyncio
from unittest.mock import patch

import orjson
from hypothesis import given
from hypothesis import strategies as st
from tests.fuzz.damage import damaged, fuzzed
from tests.wire import Wire, chunked, head

from assay.load.api_probe import _learnt
from assay.load.transport import Outcome
from assay.runs.api import ApiFacts
from assay.serving.client import Answer, ControlClient, ControlError, _Reply
from assay.serving.connection import EndpointConnection
from assay.serving.words import is_name, shown
from assay.telemetry.activity import parse_activity
from assay.telemetry.sampler import parse_prometheus

_STREAM = (
    b'data: {"id":"1","model":"m","choices":[{"index":0,"text":" a","finish_reason":null,"token_ids":[1]}]}\n\n'
    b'data: {"id":"1","model":"m","choices":[{"index":0,"text":" b","finish_reason":null,"token_ids":[22]}]}\n\n'
    b'data: {"id":"1","model":"m","choices":[{"index":0,"text":" c","finish_reason":"stop","token_ids":[3]}]}\n\n'
    b'data: {"choices":[],"usage":{"prompt_tokens":4,"completion_tokens":3,'
    b'"completion_tokens_details":{"reasoning_tokens":1},"prompt_tokens_details":{"cached_tokens":2}}}\n\n'
    b"data: [DONE]\n\n"
)
_CHAT = (
    b'data: {"choices":[{"delta":{"reasoning_content":"hm","content":"x"}}]}\r\n\r\n: ping\r\n\r\ndata: [DONE]\r\n\r\n'
)
_WHOLE = (
    b'{"model":"m","choices":[{"message":{"content":"a"},"finish_reason":"length"}],"usage":{"completion_tokens":2}}'
)
_REPLIES = (
    head(b"Transfer-Encoding: chunked") + chunked(_STREAM),
    head(b"Content-Length: %d" % len(_STREAM)) + _STREAM,
    head(b"Transfer-Encoding: chunked") + chunked(_CHAT[:40], _CHAT[40:], trailer=b"a: b\r\n"),
    head() + _STREAM + _CHAT,
    head(b"Content-Length: %d" % len(_WHOLE)) + _WHOLE,
    b"HTTP/1.1 100 Continue\r\n\r\n" + head(b"Retry-After: 7", b"Content-Length: 4", status=b"429 Slow") + b"slow",
    head(b"Location: /other", b"Content-Length: 0", status=b"307 Gone"),
    head(b"Content-Encoding: gzip", b"Content-Length: 2") + b"\x1f\x8b",
)
_REQUESTS = st.sampled_from([b"{}", b'{"stream":true}'])
_INT32 = range(1 << 31)


@fuzzed(300)
@given(damaged(*_REPLIES), st.lists(st.integers(0, 900), max_size=4), _REQUESTS)
def test_http_and_event_streams(data: bytes, cuts: list[int], request: bytes) -> None:
    wire = Wire(request).feed(data, *(min(cut, len(data)) for cut in cuts))
    wire.connection.connection_lost(None)
    exchange = wire.exchange
    assert exchange.outcome is not None
    assert wire.told.count("done") == 1
    assert exchange.detail.isprintable()
    assert len(exchange.detail) < 1500
    assert bool(exchange.detail) == (exchange.outcome is not Outcome.OK)
    assert all(number in _INT32 for number in exchange.ids)
    counts = (exchange.usage_prompt, exchange.usage_completion, exchange.usage_reasoning, exchange.usage_cached)
    assert all(count is None or count in _INT32 for count in counts)
    assert all(is_name(word) for word in (exchange.model, exchange.finish_reason) if word is not None)
    assert 0 <= exchange.retry_after_ns <= 3600 * 10**9
    orjson.dumps([exchange.text(), exchange.streamed_text(), exchange.ids.tolist()])
    _learnt(ApiFacts(form="text"), exchange, [], [])


_MODELS = b'{"object": "list", "data": [{"id": "m", "max_model_len": 4096}, {"id": "other/model-7b"}]}'


def check_words(error: ControlError) -> None:
    """It can stand in a line of a terminal."""
    assert str(error).isprintable()


@fuzzed(100)
@given(damaged(*_REPLIES, head(b"Content-Length: %d" % len(_MODELS)) + _MODELS), st.integers(0, 900))
def test_control_replies(data: bytes, cut: int) -> None:
    reply = _Reply(Answer("GET http://host/x"))
    try:
        for piece in (data[:cut], data[cut:]):
            reply.feed(piece)
        assert 0 <= reply.end().status < 1000
    except ControlError as error:
        check_words(error)


@fuzzed(100)
@given(damaged(_MODELS))
def test_lists_of_models(body: bytes) -> None:
    client = ControlClient(EndpointConnection(url="http://host:1"))

    async def answered(self: ControlClient, *_: object) -> Answer:
        return Answer("GET /v1/models", 200, {}, body)

    with patch.object(ControlClient, "_request", answered):
        try:
            assert all(map(is_name, asyncio.run(client.models())))
            limit = asyncio.run(client.context_limit("m"))
            assert limit is None or (type(limit) is int and limit > 0)
        except ControlError as error:
            check_words(error)


_PAGE = (
    b'# TYPE a gauge\nvllm:x{engine="0",model_name="m"} 5.0\nvllm:kv_cache_usage_perc{e="1"} 0.5\nplain 1e9 1700000\n'
)


@fuzzed(100)
@given(damaged(_PAGE))
def test_metrics(page: bytes) -> None:
    for name, value in parse_prometheus(page.decode(errors="replace")).items():
        assert is_name(name)
        assert abs(value) < float("inf")


_LINE = b'{"at_ns": 7, "host": {"cpu_percent": 1.5, "x": null}, "gpus": {"0": {"power_w": 5.0, "throttle_mask": 4}}}\n'


@fuzzed(100)
@given(damaged(_LINE))
def test_what_nodes_tell_of_themselves(line: bytes) -> None:
    for index, name, value in parse_activity(line).values:
        assert index is None or index >= 0
        assert is_name(name)
        assert abs(value) < float("inf")


@fuzzed(100)
@given(damaged(_WHOLE))
def test_a_servers_words_are_a_line_of_text(data: bytes) -> None:
    assert shown(data).isprintable()
    assert len(shown(data)) < 1300
