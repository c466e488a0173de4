"""Frames survive any cut of the stream."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assay.load import frames

int64 = st.integers(-(2**63), 2**63 - 1)
DONE = frames.Done(7, 2, 300, 3, 128, 128, 1, 2, 3, 4, 10**9, b"\1\0\0\0", "HTTP 429: später")


def test_messages_come_back_as_they_were() -> None:
    send, first, health = frames.Send(65535, -3, 12, 3), frames.First(2**40, 1, -1, 2**62), frames.Health(4, True)
    data = b"".join(
        [frames.pack_send(send), frames.pack_first(first), frames.pack_done(DONE), frames.pack_health(health)]
    )
    found = list(frames.FrameReader().feed(data))
    assert frames.unpack_send(found[0]) == send
    assert frames.unpack_first(found[1]) == first
    assert frames.unpack_done(found[2]) == DONE
    assert frames.unpack_health(found[3]) == health


@given(st.lists(st.binary(max_size=40)), st.lists(st.integers(1, 17), min_size=1))
def test_any_cut_gives_the_same_frames(words: list[bytes], cuts: list[int]) -> None:
    data = b"".join(frames.pack_word(frames.STATS, word) for word in words)
    reader, found, position, turn = frames.FrameReader(), [], 0, 0
    while position < len(data):
        step = cuts[turn % len(cuts)]
        found += [frames.unpack_word(frame) for frame in reader.feed(data[position : position + step])]
        position, turn = position + step, turn + 1
    assert found == words
