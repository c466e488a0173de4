"""Which waits are told: long ones, once each."""

from __future__ import annotations

import time

import pytest

from assay.load.waits import TOLD_NS, Waits


def test_a_wait_is_told_once_for_each_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0]
    monkeypatch.setattr(time, "monotonic_ns", lambda: now[0])
    told: list[tuple[int, int, int]] = []
    waits = Waits(2, lambda endpoint, wait_ns: told.append((now[0], endpoint, wait_ns)))
    long_ns = 4 * TOLD_NS
    for now[0], endpoint, wait_ns in (
        (1, 0, TOLD_NS - 1),  # too short
        (2, 0, long_ns),
        (3, 0, long_ns),  # others in flight were told the same
        (4, 1, TOLD_NS),
        (long_ns + 1, 0, long_ns),  # the first wait isn't over
        (long_ns + 2, 0, long_ns),
    ):
        waits.asked(endpoint, wait_ns)
    assert told == [(2, 0, long_ns), (4, 1, TOLD_NS), (long_ns + 2, 0, long_ns)]
