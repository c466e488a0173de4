"""The messages between LoadGen's process and its workers: length-prefixed binary frames over a socket pair.

A frame is a 4-byte length and a payload whose first byte is its kind. A worker sends two frames a sample (first
token, done), each carrying the times that it took from the wire, so a busy pipe never shifts a measured time.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from assay.load.source import NO_TIME

_LENGTH = struct.Struct("<I")

SEND = 1  # to a worker: send one request
PROBE = 2  # to a worker: is the endpoint back?
STOP = 3  # to a worker: flush and exit
FIRST = 4  # from a worker: first token seen
DONE = 5  # from a worker: attempt over
HEALTH = 6  # from a worker: a probe's answer
STATS = 7  # from a worker: JSON, what it measured of itself
READY = 8  # from a worker: connected to nothing yet, but able to

_SEND = struct.Struct("<BHqiHq")
_PROBE = struct.Struct("<BH")
_FIRST = struct.Struct("<BqHiq")
_DONE = struct.Struct("<BqHHBiiqqqqqH")
_HEALTH = struct.Struct("<BH?")


_DETAIL_BYTES = 1000


class Send(NamedTuple):
    endpoint: int
    sample: int  # sample_id; warm-up requests count down from -1
    qsl_idx: int
    attempt: int
    due_ns: int = NO_TIME  # not to be sent before, CLOCK_MONOTONIC
    history: bytes = b""  # JSON list of the answers to put into the body


class First(NamedTuple):
    sample: int
    attempt: int
    token: int  # first token's id, -1 where the server doesn't tell
    first_ns: int


class Done(NamedTuple):
    sample: int
    attempt: int
    endpoint: int
    outcome: int  # index into list(Outcome)
    output_tokens: int  # those that were streamed; -1 where unknown
    chunks: int
    sent_ns: int
    first_ns: int
    last_ns: int
    done_ns: int
    retry_ns: int  # how long the server asks to wait, 0 where it doesn't
    output: bytes  # ids as int32, empty where unknown; with live history the text
    detail: str  # why it failed, in the server's words


class Health(NamedTuple):
    endpoint: int
    healthy: bool


def frame(payload: bytes) -> bytes:
    return _LENGTH.pack(len(payload)) + payload


def pack_send(message: Send) -> bytes:
    return frame(_SEND.pack(SEND, *message[:-1]) + message.history)


def pack_probe(endpoint: int) -> bytes:
    return frame(_PROBE.pack(PROBE, endpoint))


def pack_first(message: First) -> bytes:
    return frame(_FIRST.pack(FIRST, *message))


def pack_done(message: Done) -> bytes:
    detail = message.detail.encode(errors="replace")[:_DETAIL_BYTES]
    return frame(_DONE.pack(DONE, *message[:-2], len(detail)) + detail + message.output)


def pack_health(message: Health) -> bytes:
    return frame(_HEALTH.pack(HEALTH, *message))


def pack_stats(data: bytes) -> bytes:
    return frame(bytes([STATS]) + data)


def unpack_send(payload: memoryview) -> Send:
    return Send._make((*_SEND.unpack_from(payload)[1:], bytes(payload[_SEND.size :])))


def unpack_first(payload: memoryview) -> First:
    return First(*_FIRST.unpack(payload)[1:])


def unpack_done(payload: memoryview) -> Done:
    *fields, length = _DONE.unpack_from(payload)[1:]
    ids = _DONE.size + length
    return Done._make((*fields, bytes(payload[ids:]), bytes(payload[_DONE.size : ids]).decode(errors="replace")))


def unpack_health(payload: memoryview) -> Health:
    return Health(*_HEALTH.unpack(payload)[1:])


def unpack_probe(payload: memoryview) -> int:
    endpoint: int = _PROBE.unpack(payload)[1]
    return endpoint


class FrameReader:
    """Cuts a byte stream into payloads; keeps an unfinished frame for the next call."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[memoryview]:
        buffer = memoryview(self._rest + data if self._rest else data)
        position, end = 0, len(buffer)
        while end - position >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(buffer, position)
            stop = position + _LENGTH.size + length
            if stop > end:
                break
            yield buffer[position + _LENGTH.size : stop]
            position = stop
        self._rest = bytes(buffer[position:])
