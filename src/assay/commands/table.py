"""The tables at the end: a row a load, each figure with its interval. Loads' names fold; numbers are never cut."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from assay.analysis.loads import LATENCIES, PERCENTILES, LoadRow, Value
from assay.digits import number_text, span_text
from assay.runs.result import AccuracyResult
from assay.wrapping import between_words

_NAMES = {"ttft_ns": "TTFT", "answer_ttft_ns": "to answer", "tpot_ns": "TPOT", "itl_ns": "ITL", "latency_ns": "latency"}
_NONE = "-"
_BRACKETS = "In brackets: 95 % intervals, where the samples are enough for one."
_GAP = 2
_LEAST = 16  # columns for a load's name: more than its longest word

Grid = list[list[str]]
"""The heads, then a row a line; the first column is the load's name, the others are numbers."""


def table_text(rows: Sequence[LoadRow], width: int) -> str:
    """The rows in `width` columns: rates, goodput where limits were set, latencies.

    Where a row is too long its intervals stand below their numbers, then their ends below each other; where that
    doesn't help lines are longer.
    """
    head = "load" if all(row.shape for row in rows) else "run"
    goodput = any(row.goodput_per_s is not None for row in rows)
    grids = [_rates(rows, head), *([_goodput(rows, head)] if goodput else [])]
    return "\n".join([*(drawn(grid, width) for grid in grids), *_latencies(rows, width), f"{_BRACKETS}\n"])


def scores_text(scores: Sequence[tuple[str, AccuracyResult]], width: int) -> str:
    """What each accuracy run's answers scored; the quality gate is part of its verdict."""
    grid = [["run", "metric", "score"]]
    for name, accuracy in scores:
        for place, (metric, score) in enumerate(accuracy.scores.items()):
            value = Value(value=score.value, low=score.low, high=score.high)
            grid.append(
                [
                    *((name, metric) if place == 0 else ("", metric)),
                    f"{number_cell(value)} {score.of_what}",
                ]
            )
    return drawn(grid, width, words={"metric"})


def _rates(rows: Sequence[LoadRow], head: str) -> Grid:
    grid = [[head, "ok", "unanswered", "samples/s", "output tokens/s"]]
    for row in rows:
        rates = [number_cell(row.samples_per_s), number_cell(row.output_tokens_per_s)]
        grid.append([row.load, number_text(row.ok), number_text(row.failed + row.lost), *rates])
    return grid


def _goodput(rows: Sequence[LoadRow], head: str) -> Grid:
    good = [[row.load, number_cell(row.goodput_per_s), number_cell(row.good_share, 100, " %")] for row in rows]
    return [[head, "good/s", "good"], *good]


def _latencies(rows: Sequence[LoadRow], width: int) -> list[str]:
    """Each load's name above its latencies, which leaves room for their intervals; none of what has no latency."""
    measured = [row for row in rows if row.latency]
    names = _shown(measured)
    grid = [["ms", *PERCENTILES]]
    for row in measured:
        for name in names:
            found = row.latency.get(name, {})
            grid.append([_NAMES[name], *(number_cell(found.get(share), 1e-6) for share in PERCENTILES)])
    fitted = _fitted(grid, width)
    head, *lines = _lines(fitted, width, ())
    text = [head]
    for place, row in enumerate(measured):
        own = fitted[1 + place * len(names) :][: len(names)]
        taken = sum(1 + max(cell.count("\n") for cell in cells) for cells in own)
        text += [between_words(row.load, width)] * (len(rows) > 1) + lines[:taken]
        lines = lines[taken:]
    return ["\n".join(text) + "\n"] if measured else []


def _shown(rows: Sequence[LoadRow]) -> list[str]:
    """The time to the first answer token only where a model reasons before it."""
    return [name for name in LATENCIES if name != "answer_ttft_ns" or any(name in row.latency for row in rows)]


def drawn(grid: Grid, width: int, words: Collection[str] = ()) -> str:
    """A grid in `width` columns; those whose heads are `words` stand to the left."""
    return "\n".join(_lines(_fitted(grid, width), width, words)) + "\n"


def _fitted(grid: Grid, width: int) -> Grid:
    """The grid with its intervals below their numbers, and then their ends below each other, where that is needed."""
    for whole, broken in ((" (", "\n("), (" to ", " to\n")):
        if _needed(grid) > width:
            grid = [grid[0], *([name, *(cell.replace(whole, broken) for cell in cells)] for name, *cells in grid[1:])]
    return grid


def _lines(grid: Grid, width: int, words: Collection[str]) -> list[str]:
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0))
    table.add_column(grid[0][0], overflow="fold")
    for head in grid[0][1:]:
        table.add_column(head, justify="left" if head in words else "right", no_wrap=True)
    for row in grid[1:]:
        table.add_row(*map(Text, row))
    console = Console(width=max(width, _needed(grid)), highlight=False, color_system=None)
    with console.capture() as captured:
        console.print(table)
    return [line.rstrip() for line in captured.get().splitlines()]


def _needed(grid: Grid) -> int:
    """Columns that the grid takes where loads' names are folded."""
    widest = [max(len(line) for cell in column for line in cell.split("\n")) for column in zip(*grid, strict=True)]
    return min(widest[0], _LEAST) + sum(_GAP + width for width in widest[1:])


def number_cell(value: Value | None, factor: float = 1.0, unit: str = "") -> str:
    """`12.3 (11.9 to 12.8)`, or `12.3 (11.9 or more)` where the samples bound one side."""
    if value is None:
        return _NONE
    text = f"{number_text(value.value * factor)}{unit}"
    if value.low is None and value.high is None:
        return text
    low, high = (None if end is None else end * factor for end in (value.low, value.high))
    return f"{text} ({span_text(low, high)})"
