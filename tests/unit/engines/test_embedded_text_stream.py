"""Text shows as soon as its characters are whole, however tokens split them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assay.engines.embedded.vocabulary import TextStream

_EVERY_BYTE = [bytes([value]) for value in range(256)]


@given(st.text() | st.binary().map(lambda raw: raw.decode("utf-8", "replace")), st.data())
def test_any_split_of_the_bytes_gives_the_text(text: str, data: st.DataObject) -> None:
    ids = list(text.encode())
    cuts = sorted(data.draw(st.lists(st.integers(0, len(ids)), max_size=8)))
    stream = TextStream(_EVERY_BYTE)
    parts = [stream.feed(ids[start:end]) for start, end in zip([0, *cuts], [*cuts, len(ids)], strict=True)]
    assert "".join(parts) == text
    assert stream.feed([], final=True) == ""


@given(st.binary())
def test_bytes_that_are_no_text_show_as_replacement_characters(raw: bytes) -> None:
    stream = TextStream(_EVERY_BYTE)
    assert "".join(stream.feed([byte]) for byte in raw) + stream.feed([], final=True) == raw.decode("utf-8", "replace")


def test_a_split_character_is_held_back() -> None:
    stream = TextStream(_EVERY_BYTE)
    first, second, third = "€".encode()
    assert [stream.feed([first]), stream.feed([second]), stream.feed([third])] == ["", "", "€"]
