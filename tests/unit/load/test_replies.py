"""What the source is told of its samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.simulated import make_plan

from assay.load.frames import Done, First
from assay.load.meter import Meter
from assay.load.replies import Replies
from assay.load.source import Answer, FirstToken, Issues

IDS = b"\1\0\0\0\2\0\0\0"
EOS = b"\2\0\0\0"


def make(folder: Path, scenario: str = "Server", samples: int = 2) -> Replies:
    """Samples that the source calls 70, 71, and so on, are issued."""
    plan = make_plan(folder / "run", ["http://127.0.0.1:9"], scenario)
    meter = Meter(plan)
    replies, queries = Replies(plan, meter), range(70, 70 + samples)
    meter.take(Issues(queries, range(samples)), [0] * samples)
    replies.issue(queries)
    return replies


def done(sample: int, tokens: int = 2, output: bytes = IDS, **changes: Any) -> Done:
    return Done(sample, 1, 0, 0, tokens, 2, 1, 2, 3, 4, 0, output, "")._replace(**changes)


def test_a_sample_has_one_first_token_whatever_its_other_attempts_say(tmp_path: Path) -> None:
    replies = make(tmp_path)
    assert replies.first_tokens([First(1, 1, 9, 100)], 130) == [FirstToken(71, b"\t\0\0\0")]
    assert replies.first_tokens([First(1, 2, 8, 200), First(0, 1, -1, 200)], 250) == [FirstToken(70, b"")]
    assert replies.tally.first_token_then_resent == 1
    assert list(replies.tally.hops_ns) == [30, 50]


def test_a_sample_that_is_over_without_a_first_token_is_given_one(tmp_path: Path) -> None:
    replies = make(tmp_path)
    replies.first_tokens([First(0, 1, 9, 100)], 130)
    assert replies.untold([done(0), done(1)]) == [FirstToken(71, b"")]


def test_offline_has_no_first_tokens_and_measures_the_way_of_answers(tmp_path: Path) -> None:
    replies = make(tmp_path, "Offline")
    assert replies.untold([done(0)]) == []
    assert replies.answered(done(0), 34) == Answer(70, IDS, 2, 4)
    assert list(replies.tally.hops_ns) == [30]


@pytest.mark.parametrize(
    ("tokens", "output", "told", "short", "estimated"),
    [
        (2, IDS, (IDS, 2), 0, 0),
        (1, IDS[:4], (IDS[:4] + EOS, 2), 1, 0),
        (0, b"", (b"", 2), 1, 0),
        (-1, IDS, (IDS, 2), 0, 1),
        (-1, b"", (b"", 7), 0, 1),
    ],
    ids=["two", "one is stated as two", "none", "counted by ids", "counted by chunks"],
)
def test_token_counts(
    tmp_path: Path, tokens: int, output: bytes, told: tuple[bytes, int], short: int, estimated: int
) -> None:
    replies = make(tmp_path)
    assert replies.answered(done(0, tokens, output, chunks=7), 5) == Answer(70, *told, 4)
    assert (replies.tally.short_outputs, replies.tally.estimated_tokens) == (short, estimated)


@pytest.mark.parametrize(("output", "short"), [(b"", 0), (IDS[:4], 1)], ids=["a chunk", "an id"])
def test_an_answer_in_one_chunk_is_short_only_if_its_tokens_are_known(
    tmp_path: Path, output: bytes, short: int
) -> None:
    replies = make(tmp_path)
    assert replies.answered(done(0, -1, output, chunks=1), 5).tokens == 2
    assert (replies.tally.short_outputs, replies.tally.estimated_tokens) == (short, 1)


def test_a_failed_sample_is_over_for_the_source_too(tmp_path: Path) -> None:
    assert make(tmp_path).failed(done(1)) == Answer(71, b"", 2, 4, ok=False)
