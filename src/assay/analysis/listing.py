"""Names of many things in one sentence: nobody reads a thousand."""

from __future__ import annotations

from collections.abc import Sequence

NAMED = 3
"""Things that are named where a picture, a sentence or a list of findings can't name all."""


def names(every: Sequence[str], between: str = ", ") -> str:
    """Such as "a, b, c and 997 more"."""
    if len(every) <= NAMED + 1:
        return between.join(every)
    return f"{between.join(every[:NAMED])} and {len(every) - NAMED:,} more"


def the_same(first: str, others: Sequence[str]) -> str:
    """The sentence on the first of many that are alike, and who the others are."""
    return f"{first} The same goes for {len(others):,} others: {names(others)}."
