"""An endpoint that stopped answering while the run went on is told from one that chance, or the end, left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.closed_loop import samples

from assay.analysis.stopped import stopped_s, stopped_words
from assay.runs.ledger import EndpointLedger, Ledger


def ledger(failed: dict[str, int]) -> Ledger:
    entries = [EndpointLedger(endpoint=name, failed=count) for name, count in failed.items()]
    return Ledger(
        issued=0, completed=0, failed=0, lost=0, resent=0, attempts=0, short_outputs=0, endpoints=entries,
        failure_reasons={}, loadgen_issued=0, loadgen_completed=None, problems=[],
    )  # fmt: skip


def taken(ends_s: float, count: int = 200, every: int = 2) -> dict[str, float]:
    """One sample a second; each `every`-th is b's until `ends_s`."""
    sent_s = np.arange(count, dtype=float)
    of_b = (np.arange(count) % every == 0) & (sent_s < ends_s)
    own = replace(samples(sent_s, sent_s + 0.5), endpoints=("a", "b"), endpoint=of_b.astype(np.int64))
    return stopped_s(own, ledger({"a": 3, "b": 3}))


def test_when_it_gave_its_last_answer() -> None:
    assert taken(ends_s=50) == {"b": 48.5}


@pytest.mark.parametrize(
    ("ends_s", "every"),
    [
        (200, 2),  # to the end
        (181, 2),  # 19 samples went to the other: half a million to one
        (150, 40),  # a slow one had its turn every 40 samples
    ],
)
def test_chance_is_no_stop(ends_s: float, every: int) -> None:
    assert taken(ends_s=ends_s, every=every) == {}
    assert taken(ends_s=178) == {"b": 176.5}, "of 22 one million to one"


def test_without_a_failed_attempt_it_was_only_not_asked() -> None:
    sent_s = np.arange(200, dtype=float)
    of_b = (np.arange(200) % 2 == 0) & (sent_s < 50)
    own = replace(samples(sent_s, sent_s + 0.5), endpoints=("a", "b"), endpoint=of_b.astype(np.int64))
    assert stopped_s(own, ledger({"a": 3, "b": 0})) == {}


def test_a_notice_says_from_when_on_the_rates_are_the_others() -> None:
    (words,) = stopped_words({"b": 48.5}, 2)
    assert words.startswith(
        "1 of 2 endpoints stopped answering before the end (b after 48.5 s): from then on the rates"
    )
    assert list(stopped_words({}, 2)) == []
