"""What pages show one by one and what as a whole: nothing readable has a thousand lines or rows.

Above these numbers a picture shows how the many spread, with the few that stand apart named, and a table its two ends.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from assay.analysis.listing import NAMED
from assay.report import format as fmt
from assay.report.chart import PALETTE
from assay.report.page import Table

MOST_LINES = 2 * len(PALETTE)
"""Lines in a picture that can be told apart: each colour solid and dashed."""
MOST_ROWS = 24
"""Endpoints, nodes or runs that a table lists, or that a picture has bars of."""
ENDS = 10
"""Rows that are left at either end of a longer table."""
_FAR_OUT = 3.0
_SHARES = (0.0, 0.05, 0.5, 0.95, 1.0)

Values = Sequence[float | None]


def far_out(values: Values) -> list[int]:
    """The places of values that stand apart, the lowest first: at most `NAMED` at either end.

    They lie more than three interquartile ranges outside the quartiles (Tukey, Exploratory Data Analysis, 1977:
    "far out").
    """
    known = [(value, place) for place, value in enumerate(values) if value is not None and np.isfinite(value)]
    if not known:
        return []
    known.sort()
    low, high = np.quantile([value for value, _ in known], [0.25, 0.75])
    reach = _FAR_OUT * (high - low)
    below = [place for value, place in known if value < low - reach]
    above = [place for value, place in known if value > high + reach]
    return below[:NAMED] + above[-NAMED:]


def ends(table: Table, spread: Mapping[str, Values], rest: str, first: int = 0) -> list[Table]:
    """The table itself, or of a long one the rows at its two ends, and how its figures spread over all rows.

    Args:
        table: one row each.
        spread: figures of the rows by name; they are ranked by the first.
        rest: where all of them are.
        first: rows that stay on top, such as a sum: they have no figure in `spread`.
    """
    top, many = table.rows[:first], table.rows[first:]
    count = len(many)
    if count <= MOST_ROWS:
        return [table]
    measure, ranks = next(iter(spread.items()))
    order = sorted(range(count), key=lambda place: _first_if_unknown(ranks[place]))
    caption = f"{table.caption}: of {count:,}, the {ENDS} with the lowest and the {ENDS} with the highest {measure}"
    rows = [*top, *(many[place] for place in (*order[:ENDS], *order[-ENDS:]))]
    source = "; ".join(part for part in (table.source, f"all are in {rest}") if part)
    return [spread_table(table.caption, count, spread), replace(table, caption=caption, rows=rows, source=source)]


def _first_if_unknown(value: float | None) -> float:
    """What has no figure, such as a node that answered nothing, belongs to what a reader looks for."""
    return -math.inf if value is None else value


def spread_table(what: str, count: int, spread: Mapping[str, Values]) -> Table:
    """How figures of many spread."""
    rows = [(name, *map(fmt.number, quantiles(values))) for name, values in spread.items()]
    columns = ("Figure", "Lowest", "5 % are below", "Median", "5 % are above", "Highest")
    return Table(f"{what}: how all {count:,} spread", columns, rows, frozenset(range(1, 6)))


def quantiles(values: Values) -> list[float | None]:
    """Lowest, 5th percentile, median, 95th percentile, highest of what is known."""
    known = np.array([value for value in values if value is not None and np.isfinite(value)])
    return list(map(float, np.quantile(known, _SHARES))) if len(known) else [None] * len(_SHARES)


def bands(values: NDArray[np.float64]) -> tuple[list[float | None], list[float | None], list[float | None]]:
    """5th percentile, median and 95th percentile of each column over the rows; None where a column has no value."""
    known = ~np.isnan(values).all(axis=0)
    low, middle, high = (np.full(values.shape[1], np.nan) for _ in range(3))
    low[known], middle[known], high[known] = np.nanquantile(values[:, known], _SHARES[1:4], axis=0)
    return tuple([None if np.isnan(v) else float(v) for v in line] for line in (low, middle, high))  # type: ignore[return-value]
