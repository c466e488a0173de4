"""Several ways to decode one read of a stream's events."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from assay.load.transport import Exchange
from assay.load.transport.events import EventStream
from assay.load.transport.lessons import Lessons

EVENTS = 32
_EVENT = (
    'data: {"id":"cmpl-0000000000000001","object":"text_completion","created":1700000000,"model":"simulated",'
    '"choices":[{"index":0,"text":" word","logprobs":null,"finish_reason":null,"stop_reason":null,'
    '"token_ids":[%d]}],"usage":null}\n\n'
)
_READ = "".join(_EVENT % (1000 + number) for number in range(EVENTS)).encode()


def by_patterns() -> Callable[[], object]:
    """As assay does: by a pattern learnt from earlier chunks; times and counts noted as well."""
    lessons = Lessons()
    EventStream(Exchange(0), lessons).feed(_READ, 1)

    def decode() -> None:
        EventStream(Exchange(0), lessons).feed(_READ, 1)

    return decode


def by_orjson() -> Callable[[], object]:
    """Each event's JSON into dictionaries."""
    return lambda: [orjson.loads(event[6:]) for event in _READ.split(b"\n\n")[:-1]]


def by_msgspec() -> Callable[[], object]:
    """Each event's JSON into objects that have the fields that are read, of checked types."""
    import msgspec

    choice = msgspec.defstruct("Choice", [("text", str), ("token_ids", list[int]), ("finish_reason", str | None)])
    chunk = msgspec.defstruct("Chunk", [("model", str), ("choices", list[choice])])  # type: ignore[valid-type]
    decoder = msgspec.json.Decoder(chunk)
    return lambda: [decoder.decode(event[6:]) for event in _READ.split(b"\n\n")[:-1]]


def by_nothing() -> Callable[[], object]:
    """The events cut apart, and nothing read of them."""
    return lambda: _READ.split(b"\n\n")


DECODERS: dict[str, tuple[str | None, Callable[[], Callable[[], object]]]] = {
    "patterns, all that assay notes": (None, by_patterns),
    "orjson, nothing noted": (None, by_orjson),
    "msgspec into structs, nothing noted": ("msgspec", by_msgspec),
    "cut apart, nothing decoded": (None, by_nothing),
}
