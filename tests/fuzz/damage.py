"""Foreign bytes: true files and replies, damaged in ways that hypothesis chooses, and how many of them are tried.

A test run tries a few, the same ones each time. `make fuzz` sets ASSAY_FUZZ to how many times as many are tried, and
then they are others each time; what fails is kept in .hypothesis and tried first the next time.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

LONG = int(os.environ.get("ASSAY_FUZZ", "0"))

WORDS = [
    b"", b"\x00", b"\xff\xfe", b"\n", b"\r\n\r\n", b'"', b"{", b"}", b"[", b"]", b"[" * 2000, b'{"a":' * 2000,
    b":", b",", b"null", b"true", b"NaN", b"-inf", b"1e999", b"-1", b"0", b"2.5", b"9" * 20, b"9" * 5000,
    b"2147483648", b"9223372036854775808", b"\x1b[2J", b"\xc2\x9b31m", b"\\ud800", b"\xed\xa0\x80", b"&a [*a, *a]",
    b"<<: *a", b"!!python/x ", b"\t", b" " * 300, b"\xe2\x80\xae", b"../../..", b"$(id)", b"data: ", b"\n\n",
]  # fmt: skip
_PLACE = st.floats(0, 1, allow_nan=False)
_EDIT = st.tuples(_PLACE, st.integers(0, 40), st.one_of(st.sampled_from(WORDS), st.binary(max_size=6)))


def fuzzed(examples: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Settings of a fuzzing test: so many examples in a test run."""
    return settings(
        max_examples=examples * max(1, LONG),
        derandomize=not LONG,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def damaged(*true: bytes) -> st.SearchStrategy[bytes]:
    """One of `true`, with up to five places replaced, or a part repeated or cut off at its end; or any bytes."""
    edited = st.builds(_edit, st.sampled_from(true), st.lists(_EDIT, max_size=5), _PLACE, st.integers(0, 3))
    return st.one_of(edited, st.binary(max_size=300))


def _edit(data: bytes, edits: list[tuple[float, int, bytes]], end: float, repeats: int) -> bytes:
    for place, removed, put in edits:
        at = round(place * len(data))
        data = data[:at] + put + data[at + removed :]
    at = round(end * len(data))
    return data[:at] if repeats == 0 else data if repeats < 3 else data + data[at:]
