"""Answers that were asked to be as long as their limit, and what came."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.changing import changed
from tests.synthetic import Plan, write_run

from assay.analysis import summarise
from assay.runs.api import ApiFacts

COUNT = 50


def answers(lengths: list[int], limit: int | None) -> Any:
    def change(row: dict[str, Any]) -> dict[str, Any]:
        tokens = lengths[row["sample_id"] % len(lengths)]
        return {"output_tokens": tokens, "streamed_tokens": tokens, "max_tokens": limit, "output_ids": None}

    return change


def notices(
    folder: Path, lengths: list[int], limit: int | None = 32, *, asked: bool = True, samples: int = COUNT, **record: Any
) -> list[str]:
    api = ApiFacts(form="text", ignore_eos=asked)
    run = changed(write_run(folder, Plan(samples=samples, chunks=False)), answers(lengths, limit), api=api, **record)
    return [notice for notice in summarise(run).notices if "shorter" in notice]


def test_answers_that_a_server_ends_itself_are_told_with_their_mean(tmp_path: Path) -> None:
    (notice,) = notices(tmp_path, [8])
    assert "asked to be as long as their limit" in ApiFacts(form="text", ignore_eos=True).words
    assert "in 50 of 50: 8 tokens on average, 32 asked for" in notice


def test_thousands_stand_apart(tmp_path: Path) -> None:
    (notice,) = notices(tmp_path, [8], samples=1200)
    assert "in 1,200 of 1,200: 8 tokens" in notice


def test_without_a_limit_of_its_own_the_runs_holds(tmp_path: Path) -> None:
    (notice,) = notices(tmp_path, [8], None, max_tokens=16)
    assert "16 asked for" in notice


@pytest.mark.parametrize(
    ("lengths", "asked"),
    [([32], True), ([8] + [32] * 24, True), ([8], False)],  # as asked; a few; nothing was asked
)
def test_answers_as_long_as_asked_and_a_few_others_arent(tmp_path: Path, lengths: list[int], asked: bool) -> None:
    assert notices(tmp_path, lengths, asked=asked) == []
