"""The messages between LoadGen's process and its workers: length-prefixed binary frames over a socket pair.

A frame is a 4-byte length of what follows, its kind in one byte, and its fields. A worker sends one frame a sample when
it is done, and one before at its first token where the source of load wants to know; each carries the times that the
worker took from the wire, so a busy pipe never shifts a measured time. All that a process has to say at one moment it
writes at once, and the other decodes where it lies.
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
UNWRITABLE = 9  # from a worker: a line that says which of its files takes no more, and why

# Each begins with the frame's length and its kind.
_HEAD = struct.Struct("<IB")
_SEND = struct.Struct("<IBHqiHq")
_PROBE = struct.Struct("<IBH")
_FIRST = struct.Struct("<IBqHiq")
_DONE = struct.Struct("<IBqHHBiiqqqqqH")
_HEALTH = struct.Struct("<IBH?")

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


def pack_word(kind: int, data: bytes = b"") -> bytes:
    """A message that is its kind, and perhaps some bytes."""
    return _HEAD.pack(1 + len(data), kind) + data


def pack_send(message: Send) -> bytes:
    endpoint, sample, qsl_idx, attempt, due_ns, history = message
    length = _SEND.size - _LENGTH.size + len(history)
    return _SEND.pack(length, SEND, endpoint, sample, qsl_idx, attempt, due_ns) + history


def pack_probe(endpoint: int) -> bytes:
    return _PROBE.pack(_PROBE.size - _LENGTH.size, PROBE, endpoint)


def pack_first(message: First) -> bytes:
    return _FIRST.pack(_FIRST.size - _LENGTH.size, FIRST, *message)


def pack_done(message: Done) -> bytes:
    detail = message.detail.encode(errors="replace")[:_DETAIL_BYTES]
    length = _DONE.size - _LENGTH.size + len(detail) + len(message.output)
    return _DONE.pack(length, DONE, *message[:-2], len(detail)) + detail + message.output


def pack_health(message: Health) -> bytes:
    return _HEALTH.pack(_HEALTH.size - _LENGTH.size, HEALTH, *message)


Frame = tuple[int, bytes, int, int]
"""A message where it lies: its kind, and the bytes that were received, from where to where of them it goes."""


def unpack_word(frame: Frame) -> bytes:
    """The bytes that follow the kind."""
    _, data, start, stop = frame
    return data[start + _HEAD.size : stop]


def unpack_send(frame: Frame) -> Send:
    _, data, start, stop = frame
    return Send._make((*_SEND.unpack_from(data, start)[2:], data[start + _SEND.size : stop]))


def unpack_first(frame: Frame) -> First:
    _, data, start, _ = frame
    return First._make(_FIRST.unpack_from(data, start)[2:])


def unpack_done(frame: Frame) -> Done:
    _, data, start, stop = frame
    *fields, length = _DONE.unpack_from(data, start)[2:]
    detail = start + _DONE.size
    output = detail + length
    return Done._make((*fields, data[output:stop], data[detail:output].decode(errors="replace")))


def unpack_health(frame: Frame) -> Health:
    _, data, start, _ = frame
    return Health._make(_HEALTH.unpack_from(data, start)[2:])


def unpack_probe(frame: Frame) -> int:
    _, data, start, _ = frame
    endpoint: int = _PROBE.unpack_from(data, start)[2]
    return endpoint


class FrameReader:
    """Finds the frames of a byte stream; keeps an unfinished one for the next call."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Frame]:
        if self._rest:
            data = self._rest + data
        position, end = 0, len(data)
        while end - position >= _HEAD.size:
            length, kind = _HEAD.unpack_from(data, position)
            stop = position + _LENGTH.size + length
            if stop > end:
                break
            yield kind, data, position, stop
            position = stop
        self._rest = data[position:]
