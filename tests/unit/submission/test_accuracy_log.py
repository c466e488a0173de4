"""Accuracy logs are cut as MLCommons' tool cuts them, and hashed whole."""

from __future__ import annotations

import hashlib

import pytest

from assay.submission.accuracy_log import cut, with_hash


def test_a_long_log_keeps_its_two_ends() -> None:
    log = bytes(range(48, 58)) * 2_000
    found = cut(log)
    assert found == log[:4096] + b"\n\n...\n\n" + log[-4096:]
    assert len(found) <= 10 * 1024


@pytest.mark.parametrize("size", [0, 4095])
def test_a_short_log_stays(size: int) -> None:
    assert cut(b"x" * size) == b"x" * size


def test_a_log_of_the_size_of_one_end_is_cut_as_the_tool_does() -> None:
    assert cut(b"x" * 4096) == b"x" * 4096 + b"\n\n...\n\n" + b"x" * 4096


def test_the_hash_follows_the_scores() -> None:
    log = b"[]"
    assert with_hash("{'rouge1': '1'}\n", log) == f"{{'rouge1': '1'}}\n\nhash={hashlib.sha256(log).hexdigest()}\n"
