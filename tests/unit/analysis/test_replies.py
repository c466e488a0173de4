"""What the server's replies hold against a run's figures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.closed_loop import samples

from assay.analysis.replies import against
from assay.runs import EndpointLedger, Ledger

COUNT = 10
PLAIN = samples(np.arange(COUNT) * 1.0, np.arange(COUNT) + 0.5)


def ledger(**reasons: int) -> Ledger:
    endpoint = EndpointLedger(endpoint="a", reasons=reasons)
    return Ledger(
        issued=COUNT, completed=COUNT, failed=0, lost=0, resent=0, attempts=COUNT, short_outputs=0,
        endpoints=[endpoint], failure_reasons={}, loadgen_issued=COUNT, loadgen_completed=COUNT, problems=[],
    )  # fmt: skip


def test_nothing_is_held_against_plain_replies() -> None:
    assert against(PLAIN, ledger(stalled=3)) == ()
    assert against(None, None) == ()


def test_waits_are_counted_over_both_ways_of_asking() -> None:
    (words,) = against(PLAIN, ledger(http_429=3, http_503=2, http_5xx=9))
    assert "asked 5 times" in words


def test_cached_tokens_are_a_share_of_their_prompts() -> None:
    cached = np.where(np.arange(COUNT) < 4, 2, -1)
    (words,) = against(replace(PLAIN, cached_tokens=cached), None)
    assert words.startswith("4 of 10 prompts came from a cache in part, 40 % of their tokens")
    assert against(replace(PLAIN, cached_tokens=cached * 0), None) == ()


def test_a_prompt_counted_shorter_than_it_was_sent_is_cut() -> None:
    sent, counted = np.full(COUNT, 885), np.full(COUNT, 886)
    counted[3] = 100
    (words,) = against(replace(PLAIN, prompt_tokens_sent=sent, prompt_tokens_counted=counted), None)
    assert "in 1 of 10 requests, 100 of 885 in the worst" in words


@pytest.mark.parametrize(
    ("guessed", "counted", "told"),
    [
        ([900, 110, 150, 240, 85, 700, 130, 61, 52, 40], [100, 100, 100, 100, 84, 100, 100, 60, 50, 40], True),
        ([900, 110, 150, 240, 85, 700, 130, 61, 52, 40], [890, 100, 160, 230, 84, 710, 125, 60, 50, 40], False),
        ([500, 520, 480, 500, 510, 490, 505, 495, 515, 485], [512] * 10, False),  # made to one length
        ([900, 110, 85, 84, 83, 82, 81, 80, 79, 78], [100, 100, 84, 84, 83, 82, 81, 80, 79, 78], False),  # two alike
    ],
)
def test_texts_of_all_lengths_counted_alike_are_cut(guessed: list[int], counted: list[int], told: bool) -> None:
    of = {"prompt_tokens_guessed": np.asarray(guessed), "prompt_tokens_counted": np.asarray(counted)}
    found = against(replace(PLAIN, **of), None)
    assert bool(found) is told
    if told:
        assert "counted 100 prompt tokens, and never more, for 6 of 10 texts" in found[0]
        assert "8.2 times the letters" in found[0]


@pytest.mark.parametrize(
    ("counted", "told"),
    [
        ([20] * COUNT, True),
        ([60] * COUNT, False),  # 31 letters a token: hardly possible, and not accused
        ([20] * 5 + [400] * 5, False),  # a few odd texts: rows of one letter, say
        ([20] * 6 + [400] * 4, True),
    ],
)
def test_counts_that_no_tokenizer_gives_are_of_cut_texts(counted: list[int], told: bool) -> None:
    """Texts of one length in letters: nothing but how few the tokens are can tell."""
    of = {"prompt_tokens_guessed": np.full(COUNT, 477), "prompt_tokens_counted": np.asarray(counted)}
    found = against(replace(PLAIN, **of), None)
    assert bool(found) is told
    if told:
        few = counted.count(20)
        assert f"counted {20 * few} prompt tokens in {few} of 10 texts that have about {477 * few:,} by" in found[0]
