"""Names of many things in one sentence: nobody reads a thousand."""

from __future__ import annotations

import re
from collections.abc import Sequence

NAMED = 3
"""Things that are named where a picture, a sentence or a list of findings can't name all."""


_NUMBER = re.compile(r"([\d,.]+)([ /].+)")


def names(every: Sequence[str], between: str = ", ") -> str:
    """Such as "a, b, c and 997 more"."""
    if len(every) <= NAMED + 1:
        return between.join(every)
    return f"{between.join(every[:NAMED])} and {len(every) - NAMED:,} more"


def names_in_one_unit(every: Sequence[str]) -> str:
    """The same of loads: "1, 2, 4 in flight", where all are numbers of one unit."""
    found = [_NUMBER.match(name) for name in every]
    units = {match[2] for match in found if match}
    if len(every) < 2 or not all(found) or len(units) > 1:
        return names(every)
    return f"{names([match[1] for match in found if match])}{units.pop()}"


def the_same(first: str, others: Sequence[str]) -> str:
    """The sentence on the first of many that are alike, and who the others are."""
    return f"{first} The same goes for {len(others):,} others: {names(others)}."
