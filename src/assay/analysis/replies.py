"""What the replies hold against the figures: waits, prompts from a cache, prompts cut."""

from __future__ import annotations

import numpy as np

from assay.analysis.samples import MISSING, Ints, Samples
from assay.digits import percent_text
from assay.runs.ledger import Ledger

_BUSY = ("http_429", "http_503", "long_wait")
_FEWEST_CAPPED = 3
_CAPPED_RANGE = 1.5  # texts of as many tokens differ less in letters
_LEAST_SHARE = 8  # of the guess: 32 letters a token on average is beyond any tokenizer on text


def against(samples: Samples | None, ledger: Ledger | None) -> tuple[str, ...]:
    """Each reason in a few words; any of them forbids VALID."""
    found = [] if ledger is None else _waits(ledger)
    if samples is not None and len(samples):
        found += _cached(samples) + _cut(samples)
        found += cut_texts(samples.prompt_tokens_guessed, samples.prompt_tokens_counted)
    return tuple(found)


def _waits(ledger: Ledger) -> list[str]:
    told = sum(endpoint.reasons.get(status, 0) for endpoint in ledger.endpoints for status in _BUSY)
    if not told:
        return []
    return [f"the server asked {told} times to come back later (429, 503): its limit was measured, not its speed"]


def _cached(samples: Samples) -> list[str]:
    cached = samples.cached_tokens
    count = int((cached > 0).sum())
    if not count:
        return []
    share = cached[cached > 0].sum() / max(1, samples.input_tokens[cached > 0].sum())
    return [
        f"{count:,} of {len(samples):,} prompts came from a cache in part, {percent_text(share, 0)} of their tokens"
    ]


def _cut(samples: Samples) -> list[str]:
    sent, counted = samples.prompt_tokens_sent, samples.prompt_tokens_counted
    cut = (sent != MISSING) & (counted != MISSING) & (counted < sent)
    if not cut.any():
        return []
    worst = int(np.argmax(np.where(cut, sent - counted, 0)))
    return [
        f"the server counted fewer prompt tokens than were sent in {int(cut.sum()):,} of {len(samples):,} requests, "
        f"{counted[worst]:,} of {sent[worst]:,} in the worst: it cuts prompts"
    ]


def cut_texts(guessed: Ints, counted: Ints) -> list[str]:
    """Why the server can't have read texts whole, by its own count of their tokens and a guess by their letters.

    One reason at most. A guess is rough, so only what no tokenizer can give is named.
    """
    known = (guessed != MISSING) & (counted != MISSING)
    if not known.any():
        return []
    guessed, counted = guessed[known], counted[known]
    return _far_below(guessed, counted) or _capped(guessed, counted)


def _far_below(guessed: Ints, counted: Ints) -> list[str]:
    """Most texts have fewer tokens by the server's count than text can have."""
    few = _LEAST_SHARE * counted < guessed
    if 2 * int(few.sum()) <= len(few):
        return []
    return [
        f"the server counted {int(counted[few].sum()):,} prompt tokens in {int(few.sum()):,} of {len(few):,} texts "
        f"that have about {int(guessed[few].sum()):,} by a guess from their letters: it cuts prompts, or doesn't count "
        "all of them"
    ]


def _capped(guessed: Ints, counted: Ints) -> list[str]:
    """Texts of very different lengths, all of them counted as the most tokens that any prompt had."""
    most = int(counted.max())
    alike = guessed[counted == most]
    if len(alike) < _FEWEST_CAPPED or alike.max() < _CAPPED_RANGE * alike.min():
        return []
    return [
        f"the server counted {most:,} prompt tokens, and never more, for {len(alike):,} of {len(counted):,} texts, the "
        f"longest of which has {alike.max() / alike.min():.1f} times the letters of the shortest: it cuts prompts"
    ]
