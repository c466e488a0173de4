"""The event-stream parser against what was put into the stream, in every style that servers write it."""

from __future__ import annotations

import json
from array import array
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.event_streams import Style, read

from assay.load.transport import Exchange, Outcome
from assay.load.transport.events import EventStream
from assay.load.transport.reply import BadReplyError

TEXTS = st.one_of(
    st.sampled_from(
        ["", " the", '"', '\\"', "\\", "\n\n", "data: ", '","token_ids":[9]', "é", "日本", "🙂", "\r", "\x00", "\u2028"]
    ),
    st.text(max_size=8),
).filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text))
IDS = st.lists(st.integers(0, 2**31 - 1), max_size=3)


STYLES = st.builds(
    Style,
    **{name: st.booleans() for name in Style.__annotations__ if name != "newline"},
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
)


@dataclass
class Stream:
    """A stream and what it says."""

    body: bytes
    text: str
    ids: list[int]
    chunk_tokens: list[int]
    usage: int | None
    ids_missing: bool = False
    cuts: list[int] = field(default_factory=list)


@st.composite
def streams(draw: st.DrawFn) -> Stream:
    style = draw(STYLES)
    chunks = draw(st.lists(st.tuples(TEXTS, IDS), min_size=1, max_size=12))
    events_: list[bytes] = []
    if style.chat:
        events_.append(
            style.event({"id": "cmpl-1", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})
        )
    for number, (text, ids) in enumerate(chunks):
        events_.append(style.event(style.chunk(text, ids, "length" if number == len(chunks) - 1 else None)))
    said = [(text, ids if style.with_ids else []) for text, ids in chunks]
    tokens = [(text, ids) for text, ids in said if text or ids]
    ids = [i for _, chunk in tokens for i in chunk]
    usage = len(ids) if style.usage_at_end else (1 if style.continuous_usage else None)
    if style.usage_at_end:
        final = {"id": "cmpl-1", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": usage}}
        events_.append(style.event(final))
    body = b"".join([*events_, style.event("[DONE]")])
    return Stream(
        body,
        text="".join(text for text, _ in tokens),
        ids=ids,
        chunk_tokens=[len(chunk) or -1 for _, chunk in tokens],
        usage=usage,
        ids_missing=any(not chunk for _, chunk in tokens),
        cuts=draw(st.lists(st.integers(0, len(body)), max_size=6)),
    )


@settings(max_examples=40, deadline=None)
@given(streams())
def test_reads_every_style_cut_anywhere(stream: Stream) -> None:
    exchange, (outcome, detail) = read(stream.body, stream.cuts)
    assert exchange.text() == stream.text
    assert exchange.ids.tolist() == stream.ids
    if not stream.chunk_tokens and stream.usage == 1:  # its only token was the end of the sequence
        assert (outcome, exchange.chunk_tokens.tolist()) == (Outcome.OK, [1])
        return
    assert exchange.chunk_tokens.tolist() == stream.chunk_tokens
    assert exchange.usage_completion == stream.usage
    assert len(exchange.chunk_ns) == len(stream.chunk_tokens)
    assert exchange.chunk_ns.tolist() == sorted(exchange.chunk_ns)
    if not stream.chunk_tokens:
        assert outcome is Outcome.EMPTY
        return
    assert exchange.finish_reason == "length"
    assert (exchange.first_ns, exchange.last_ns) == (exchange.chunk_ns[0], exchange.chunk_ns[-1])
    counted = bool(stream.ids) and not stream.ids_missing
    assert exchange.token_ids == (array("i", stream.ids) if counted else None)
    agrees = stream.usage is None or (stream.usage == len(stream.ids) if counted else stream.usage > 0)
    assert outcome is (Outcome.OK if agrees else Outcome.COUNT_MISMATCH), detail


@settings(max_examples=30, deadline=None)
@given(streams())
def test_every_single_cut_gives_the_same(stream: Stream) -> None:
    whole = read(stream.body, [])
    for cut in range(len(stream.body)):
        exchange, ending = read(stream.body, [cut])
        assert ending == whole[1]
        assert (exchange.text(), exchange.ids, exchange.chunk_tokens) == (
            whole[0].text(),
            whole[0].ids,
            whole[0].chunk_tokens,
        )


def test_a_chunk_with_several_choices_is_refused() -> None:
    body = b'data: {"choices":[{"index":0,"text":"a"},{"index":1,"text":"b"}]}\n\ndata: [DONE]\n\n'
    assert read(body, [])[1][0] is Outcome.MALFORMED


def test_data_lines_of_one_event_are_joined() -> None:
    body = b'data: {"choices":[{"index":0,\ndata: "text":"a","finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    exchange, (outcome, _) = read(body, [])
    assert (outcome, exchange.text()) == (Outcome.OK, "a")


@pytest.mark.parametrize(
    ("tail", "outcome"),
    [
        (b"", Outcome.TRUNCATED),
        (b"data: [DONE]\n\n", Outcome.TRUNCATED),  # no finish_reason
        (b'data: {"choices":[{"index":0,"text":"","finish_reason":"stop"}]}\n\n', Outcome.TRUNCATED),
        (b'data: {"choices":[{"index":0,"te', Outcome.TRUNCATED),
        (b"data: {oops\n\n", Outcome.MALFORMED),
        (b"<html></html>\n\n", Outcome.MALFORMED),
        (b'data: {"error":{"message":"out of memory","code":500}}\n\n', Outcome.HTTP_5XX),
        (b'data: {"error":{"message":"slow down","code":429}}\n\n', Outcome.HTTP_429),
        (b'data: {"choices":[{"index":0,"text":"","token_ids":[1.5]}]}\n\n', Outcome.MALFORMED),
        (b'data: {"choices":[],"usage":{"completion_tokens":-1}}\n\n', Outcome.MALFORMED),
    ],
)
def test_bad_endings(tail: bytes, outcome: Outcome) -> None:
    exchange, ending = read(b'data: {"choices":[{"index":0,"text":"a","token_ids":[5]}]}\n\n' + tail, [])
    assert ending[0] is outcome
    assert exchange.first_ns == 1


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=3))
def test_random_bytes_never_raise_anything_else(data: bytes, cuts: list[int]) -> None:
    _, (outcome, _) = read(b"data: " + data, [min(cut, len(data)) for cut in cuts])
    assert outcome is not Outcome.OK


def event(choice: str, **fields: object) -> bytes:
    return b"data: " + json.dumps({"choices": json.loads(choice), **fields}).encode() + b"\n\n"


def delta(**fields: object) -> bytes:
    return event(json.dumps([{"index": 0, "delta": fields, "finish_reason": None}]))


def finish(reason: object = "stop") -> bytes:
    return event(json.dumps([{"index": 0, "delta": {}, "finish_reason": reason}]))


def usage(**fields: object) -> bytes:
    return event("[]", usage=fields)


DONE = b"data: [DONE]\n\n"


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
@pytest.mark.parametrize("rounds", [1, 40])
def test_reasoning_counts_as_tokens_and_the_answer_has_a_first_of_its_own(name: str, rounds: int) -> None:
    exchange = Exchange(0)
    stream = EventStream(exchange)
    stream.feed(delta(role="assistant", content=""), 1)
    for number in range(rounds):
        stream.feed(delta(**{name: f"hm{number}"}) + delta(**{name: "so"}), 2 + number)
    stream.feed(delta(content="an") + delta(content="swer"), 100)
    stream.feed(
        finish() + usage(completion_tokens=2 * rounds + 2, completion_tokens_details={"reasoning_tokens": 2}), 101
    )
    stream.feed(DONE, 102)
    assert stream.end() == (Outcome.OK, "")
    assert (exchange.first_ns, exchange.first_answer_ns, exchange.last_ns) == (2, 100, 100)
    assert exchange.text() == "answer"
    assert exchange.streamed_text() == "".join(f"hm{number}so" for number in range(rounds)) + "answer"
    assert (exchange.hidden_tokens, exchange.streamed_tokens) == (0, 2 * rounds + 2)


def test_hidden_reasoning_is_no_part_of_what_was_streamed() -> None:
    exchange, ending = read(
        delta(content="a")
        + delta(content="b")
        + finish()
        + usage(
            prompt_tokens=9,
            completion_tokens=50,
            completion_tokens_details={"reasoning_tokens": 48},
            prompt_tokens_details={"cached_tokens": 7},
        )
        + DONE,
        [],
    )
    assert ending == (Outcome.OK, "")
    assert (exchange.output_tokens, exchange.streamed_tokens, exchange.usage_cached) == (50, 2, 7)


@pytest.mark.parametrize(
    ("told", "reason", "good"),
    [
        ({"completion_tokens": 1}, "stop", True),
        ({"completion_tokens": 1}, "length", True),
        ({"completion_tokens": 40, "completion_tokens_details": {"reasoning_tokens": 40}}, "length", True),
        ({"completion_tokens": 5}, "stop", False),
        ({"completion_tokens": 0}, "stop", False),
        ({"completion_tokens": 1}, "content_filter", False),
        ({"prompt_tokens": 4}, "stop", False),
    ],
)
def test_an_answer_that_ends_at_once_is_short_and_not_a_failure(
    told: dict[str, object], reason: str, good: bool
) -> None:
    exchange = Exchange(0)
    stream = EventStream(exchange)
    stream.feed(finish(reason), 5)
    stream.feed(usage(**told) + DONE, 6)
    outcome, _ = stream.end()
    assert (outcome is Outcome.OK) is good
    if good:
        assert (exchange.first_ns, exchange.last_ns) == (5, 5)
        assert exchange.first_answer_ns == 0
    else:
        assert outcome is Outcome.EMPTY


@pytest.mark.parametrize(
    "bad",
    [
        event('[{"index": 0, "text": "a", "token_ids": [2147483648]}]'),
        event('[{"index": 0, "text": "a", "token_ids": [99999999999999999999999]}]'),
        event('[{"index": 0, "text": "a", "token_ids": [1.5]}]'),
        event('[{"index": 0, "text": "a", "token_ids": [-1]}]'),
        event('[{"index": 0, "text": "a", "token_ids": [1, true]}]'),
        event('[{"index": 0, "text": "a", "token_ids": "12"}]'),
        event('[{"index": 0, "text": "a", "token_ids": {"1": 2}}]'),
        event('[{"index": 0, "text": "a", "finish_reason": ["stop"]}]'),
        event('[{"index": 0, "delta": {"reasoning": 7}}]'),
        event('[{"index": 0, "delta": {"content": {"text": "a"}}}]'),
        usage(completion_tokens=2**31),
        usage(completion_tokens=2**70),
        usage(prompt_tokens=-1),
        usage(completion_tokens=3, completion_tokens_details={"reasoning_tokens": 4}),
        usage(completion_tokens=3, prompt_tokens_details={"cached_tokens": "all"}),
        b'data: {"choices": [{"index": 0, "text": "\\ud800"}]}\n\n',
    ],
)
def test_what_a_record_cant_hold_fails_its_request_by_name(bad: bytes) -> None:
    good = event('[{"index": 0, "text": "a", "token_ids": [7]}]')
    with pytest.raises(BadReplyError) as raised:
        EventStream(Exchange(0)).feed(good + good + bad, 1)
    assert raised.value.outcome is Outcome.MALFORMED


def test_events_of_another_name_are_skipped_and_errors_told() -> None:
    ping = b'event: ping\ndata: {"type": "ping"}\n\n'
    named = b"event: message\n" + event('[{"index": 0, "text": "a"}]')
    exchange, ending = read(ping + named + ping + finish() + ping + DONE + ping, [])
    assert ending == (Outcome.OK, "")
    assert exchange.text() == "a"
    with pytest.raises(BadReplyError, match="out of memory"):
        EventStream(Exchange(0)).feed(b"event: error\ndata: out of memory\n\n", 1)


@pytest.mark.parametrize("needs_done", [True, False])
def test_the_end_marker_can_be_waived_and_a_finish_reason_cant(needs_done: bool) -> None:
    exchange = Exchange(0)
    stream = EventStream(exchange, needs_done=needs_done)
    stream.feed(event('[{"index": 0, "text": "last words"}]'), 1)
    with pytest.raises(BadReplyError, match="last words") as raised:
        stream.end()
    assert raised.value.outcome is Outcome.TRUNCATED
    stream.feed(finish(), 2)
    if needs_done:
        with pytest.raises(BadReplyError, match=r"without .DONE., after .*stop"):
            stream.end()
    else:
        assert stream.end() == (Outcome.OK, "")
