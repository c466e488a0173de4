"""The event-stream parser against what was put into the stream, in every style that servers write it."""

from __future__ import annotations

import json
import random
import tracemalloc
from array import array
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.load.transport import Exchange, Outcome, events
from assay.load.transport.events import EventStream
from assay.load.transport.lessons import MOST_LESSONS, Lessons
from assay.load.transport.reply import BadReplyError
from assay.load.transport.template import Template

TEXTS = st.one_of(
    st.sampled_from(
        ["", " the", '"', '\\"', "\\", "\n\n", "data: ", '","token_ids":[9]', "é", "日本", "🙂", "\r", "\x00", "\u2028"]
    ),
    st.text(max_size=8),
).filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text))
IDS = st.lists(st.integers(0, 2**31 - 1), max_size=3)


@dataclass
class Style:
    """How one server writes its stream."""

    chat: bool
    with_ids: bool
    ids_first: bool
    dense: bool
    ascii: bool
    newline: str
    comments: bool
    event_field: bool
    continuous_usage: bool
    usage_at_end: bool

    def chunk(self, text: str, ids: list[int], finish: str | None) -> dict[str, Any]:
        message = {"delta": {"content": text}} if self.chat else {"text": text}
        tokens = {"token_ids": ids} if self.with_ids else {}
        parts = {**tokens, **message} if self.ids_first else {**message, **tokens}
        reply: dict[str, Any] = {"id": "cmpl-1", "choices": [{"index": 0, **parts, "finish_reason": finish}]}
        if self.continuous_usage:
            reply["usage"] = {"prompt_tokens": 3, "completion_tokens": 1}
        return reply

    def event(self, reply: dict[str, Any] | str) -> bytes:
        data = reply
        if not isinstance(data, str):
            separators = (",", ":") if self.dense else (", ", ": ")
            data = json.dumps(reply, separators=separators, ensure_ascii=self.ascii)
        lines = [": ping", ""] if self.comments else []
        lines += ["event: message"] if self.event_field else []
        return (self.newline.join([*lines, f"data: {data}", "", ""])).encode()


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


def read(body: bytes, cuts: list[int], lessons: Lessons | None = None) -> tuple[Exchange, tuple[Outcome, str]]:
    """Feeds `body` cut at `cuts`; piece k arrives at time k + 1."""
    exchange = Exchange(1)
    stream = EventStream(exchange, lessons)
    places = [0, *sorted(cuts), len(body)]
    try:
        for k in range(len(places) - 1):
            stream.feed(body[places[k] : places[k + 1]], k + 1)
        return exchange, stream.end()
    except BadReplyError as error:
        return exchange, (error.outcome, error.detail)


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


def vllm_stream(count: int, text: str = " word") -> bytes:
    style = Style(False, True, False, True, True, "\n", False, False, False, True)
    chunks = [
        style.event(style.chunk(f"{text}{k}", [1000 + k], "length" if k == count - 1 else None)) for k in range(count)
    ]
    usage = style.event({"id": "cmpl-1", "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": count}})
    return b"".join([*chunks, usage, b"data: [DONE]\n\n"])


def as_seen(body: bytes, cuts: list[int], lessons: Lessons | None = None) -> dict[str, Any]:
    exchange, (outcome, _) = read(body, cuts, lessons)
    return asdict(exchange) | {"outcome": outcome}


def as_json_says(body: bytes, cuts: list[int]) -> dict[str, Any]:
    with patch.object(events, "LESSONS", 0):
        return as_seen(body, cuts)


def mutations(body: bytes, draw: random.Random) -> tuple[bytes, list[int]]:
    """A stream with a few bytes changed, removed, doubled or moved, mostly at places that matter."""
    mutant = bytearray(body)
    for _ in range(draw.randint(1, 3)):
        at = draw.randrange(len(mutant))
        match draw.randrange(5):
            case 0:
                mutant[at] = draw.choice(b'\n\r",:[]{}\\0 9x\x00\x80\xff')
            case 1:
                del mutant[at : at + draw.randint(1, 12)]
            case 2:
                mutant[at:at] = draw.choice(
                    [
                        b"\n",
                        b"\r",
                        b"\n\n",
                        b'"',
                        b",1",
                        b"],[2",
                        b"01",
                        b"\xc3",
                        b'","token_ids":[7',
                        rb"\n",
                        rb"\ud800",
                    ]
                )
            case 3:
                end = min(len(mutant), at + draw.randint(1, 150))
                mutant[at:at] = mutant[at:end]
            case 4:
                mutant[at : at + 1] = b"data: "
    return bytes(mutant), [draw.randrange(len(mutant) + 1)] if draw.random() < 0.5 else []


def text_stream(draw: random.Random) -> bytes:
    return vllm_stream(draw.randint(2, 9), draw.choice([" word", "é", '"', "\\", ""]))


def chat_stream(draw: random.Random) -> bytes:
    """Reasoning, then an answer, under a name and a time of its own."""
    named = {"id": f"chatcmpl-{draw.randrange(10**9)}", "created": draw.randrange(2 * 10**9), "model": "m"}
    chunk = named | {"choices": [{"index": 0, "delta": {"content": None}, "finish_reason": None}], "padding": "~"}
    said = [("reasoning_content", f"hm{k}") for k in range(draw.randint(0, 4))]
    said += [("content", draw.choice([" word", " été", "\n", ""])) for _ in range(draw.randint(1, 6))]
    events_ = [json.dumps(chunk | {"choices": [chunk["choices"][0] | {"delta": {name: text}}]}) for name, text in said]
    events_ += [json.dumps(named | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}), "[DONE]"]
    return "".join(f"data: {event}\n\n" for event in events_).encode()


@pytest.mark.parametrize("make", [text_stream, chat_stream])
@pytest.mark.parametrize("block", range(10))
def test_fast_path_agrees_with_json_on_damaged_streams(make: Callable[[random.Random], bytes], block: int) -> None:
    draw = random.Random(block)
    for _ in range(150):
        lessons = Lessons()
        read(make(draw), [], lessons)
        read(make(draw), [], lessons)
        body, cuts = mutations(make(draw), draw)
        assert as_seen(body, cuts, lessons) == as_json_says(body, cuts), (body, cuts)


def decoded(body: bytes, lessons: Lessons | None = None) -> int:
    """How many chunks of a stream are decoded as JSON."""
    with patch("assay.load.transport.events.absorb", wraps=events.absorb) as absorb:
        read(body, [], lessons)
    return absorb.call_count


def test_fast_path_is_taken() -> None:
    assert decoded(vllm_stream(50)) == 4  # the first two chunks, the one with the finish_reason, the usage


@pytest.mark.parametrize("text", [" word", "été", "\n\n", "\t", '"', "\\", "日本"])
def test_streams_of_one_endpoint_learn_from_each_other(text: str) -> None:
    lessons = Lessons()
    decoded(vllm_stream(9), lessons)
    later = vllm_stream(50, text).replace(b'"cmpl-1"', b'"cmpl-another-22"')
    assert decoded(later, lessons) == 2  # the chunk with the finish_reason, the usage
    assert as_seen(later, [], lessons) == as_json_says(later, [])


def test_a_long_stream_is_held_in_few_bytes() -> None:
    tokens, body = 5000, vllm_stream(5000)
    exchange, lessons = Exchange(0), Lessons()
    stream = EventStream(exchange, lessons)
    stream.feed(body[:1000], 1)
    tracemalloc.start()
    try:
        for place in range(1000, len(body), 500):
            stream.feed(body[place : place + 500], 1 << 40)
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(exchange.ids) == tokens
    assert held / tokens < 16 + len(" word1000") * 1.5 + 4  # times, counts, ids, text; arrays grow by an eighth


def test_what_is_said_beside_text_and_ids_is_learnt_with_them() -> None:
    simulated = b',"system_fingerprint":"assay simulator"'
    chunk = b'data: {"id":"%d","model":"%b","choices":[{"index":%d,"text":" a"}]%b}\n\n'
    lessons = Lessons()
    read(chunk % (1, b"big", 0, simulated) * 9, [], lessons)
    assert decoded(chunk % (2, b"big", 0, simulated) * 9, lessons) == 0
    for model, index, more in ((b"big", 0, simulated), (b"big", 0, b""), (b"other", 0, simulated), (b"big", 1, b"")):
        body = chunk % (2, model, index, more) * 3
        assert as_seen(body, [], lessons) == as_json_says(body, [])


def test_a_server_that_repeats_nothing_costs_a_bounded_number_of_lessons() -> None:
    lessons = Lessons()
    chunk = b'data: {"choices":[{"index":0,"text":" a","seed":[%d]}]}\n\n'
    with patch("assay.load.transport.lessons.Template", wraps=Template) as template:
        for number in range(MOST_LESSONS):
            read(b"".join(chunk % (9 * number + k) for k in range(9)), [], lessons)
    assert template.call_count == MOST_LESSONS


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


@pytest.mark.parametrize(
    "raw",
    [
        *(rb"\n", rb"\\", rb"\u0041", rb"\"", rb"\/", rb"\ud83d\ude42", rb"\ud800", rb"\u004", rb"\q", b"\\"),
        *(b"\x01", b"\t", b"\xff", b"\xc3", b"\n", b'"', b"\xc3\xa9", b"\x7f", b""),
    ],
)
@pytest.mark.parametrize("ids", [b"", b',"token_ids":[5]'])
def test_fast_path_agrees_with_json_on_one_odd_text(raw: bytes, ids: bytes) -> None:
    event = b'data: {"choices":[{"index":0,"text":"%b","finish_reason":null%b}]}\n\n'
    lessons = Lessons()
    read(event % (b" a", ids) * 3, [], lessons)
    body = event % (b" a", ids) + event % (raw, ids) + event % (b" b", ids)
    assert as_seen(body, [], lessons) == as_json_says(body, [])


def test_fast_path_keeps_reasoning_beside_content() -> None:
    event = (
        b'data: {"choices":[{"index":0,"delta":{"reasoning_content":"%b","content":"%b"},"finish_reason":null}]}\n\n'
    )
    exchange, _ = read(event % (b"hm", b" a") + event % (b"hm", b" b") + event % (b"hm", b""), [])
    assert (exchange.text(), exchange.streamed_text()) == (" a b", "hmhmhm a b")
    assert exchange.chunk_tokens.tolist() == [-1, -1, -1]


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
