"""What is read by patterns instead of as JSON, and that it makes no difference."""

from __future__ import annotations

import json
import random
import tracemalloc
from collections.abc import Callable
from dataclasses import asdict
from typing import Any
from unittest.mock import patch

import pytest
from tests.event_streams import read, vllm_stream

from assay.load.transport import Exchange, events
from assay.load.transport.events import EventStream
from assay.load.transport.lessons import MOST_LESSONS, Lessons
from assay.load.transport.template import Template


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


def test_what_is_known_is_no_lesson() -> None:
    chunk = b'data: {"choices":[{"index":0,"text":"%b","token_ids":[%d]}]}\n\n'
    lessons = Lessons()
    for _ in range(MOST_LESSONS):  # an id that patterns leave to JSON
        read(chunk % (b" a", 5) * 3 + chunk % (b" a", 1_999_999_999), [], lessons)
    other = chunk.replace(b'"index":0,', b"") % (b" b", 6) * 9
    assert decoded(other, lessons) == 2
    assert decoded(other, lessons) == 0
