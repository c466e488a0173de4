"""Lines of a terminal's screen: text that is wrapped between words, and tables that fit. Numbers are never cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from assay.serving.words import harmless

_GAP = 2
_SHORTEST = 8
"""Columns of a terminal that names have at least."""
_BAR = "━"


@dataclass(frozen=True)
class Column:
    """A column of numbers, or of names where `cut`: those are shortened as far as there is no room for them."""

    head: str
    cells: Sequence[str | Text]
    right: bool = True
    cut: bool = False
    dropped: int = 0
    """Where not all fits, columns go from the highest on; those with 0 stay."""

    @cached_property
    def width(self) -> int:
        return max(cell_len(self.head), *(cell_len(str(cell)) for cell in self.cells), 0)


def wrapped(text: str, width: int, style: str = "") -> list[Text]:
    """A text as lines of at most `width`."""
    return [line for line in fitting(Text(harmless(text), style=style), width) if line.plain]


def fitting(line: Text, width: int) -> list[Text]:
    """What is wider goes on in the next line, between words; a word that is longer than that is broken."""
    if line.cell_len <= width:
        return [line]
    lines = line.wrap(Console(width=width), width, overflow="fold")
    for one in lines:
        one.rstrip()
    return list(lines)


def cut(text: str, width: int, style: str = "") -> Text:
    """A text as one line; what doesn't fit is left out, and an ellipsis says so."""
    line = Text(harmless(text), style=style)
    line.truncate(width, overflow="ellipsis")
    return line


def bar(share: float, width: int) -> Text:
    filled = round(min(1.0, max(0.0, share)) * width)
    return Text(_BAR * filled, style="cyan").append(" " * (width - filled))


def room_for(rows: int, most: int) -> int:
    """Of so many rows, those that a table of at most `most` lines shows; 0: there is no room for a table."""
    return rows if rows < most else max(0, most - 2)


def table(columns: Sequence[Column], width: int, rows: int) -> list[Text]:
    """Heads and rows; where the columns hold fewer than `rows`, a last line says how many more there are."""
    shown = len(columns[0].cells)
    if shown == 0:
        return []
    columns = _fitting(columns, width)
    widths = _widths(columns, width)
    lines = [_row([Text(column.head, style="dim") for column in columns], columns, widths)]
    lines += [_row([column.cells[row] for column in columns], columns, widths) for row in range(shown)]
    return lines if shown == rows else [*lines, Text(f"and {rows - shown} more")]


def _fitting(columns: Sequence[Column], width: int) -> Sequence[Column]:
    least = sum(_SHORTEST if column.cut else column.width for column in columns) + _GAP * (len(columns) - 1)
    last = max(columns, key=lambda column: column.dropped)
    if least <= width or not last.dropped:
        return columns
    return _fitting([column for column in columns if column is not last], width)


def _widths(columns: Sequence[Column], width: int) -> list[int]:
    room = width - _GAP * (len(columns) - 1) - sum(column.width for column in columns if not column.cut)
    return [min(column.width, max(_SHORTEST, room)) if column.cut else column.width for column in columns]


def _row(cells: Sequence[str | Text], columns: Sequence[Column], widths: Sequence[int]) -> Text:
    line = Text()
    for place, (cell, column, width) in enumerate(zip(cells, columns, widths, strict=True)):
        text = cell if isinstance(cell, Text) else Text(harmless(cell))
        if cell_len(text.plain) > width:
            text = cut(text.plain, width, str(text.style))
        space = " " * (width - cell_len(text.plain))
        line.append(" " * (_GAP if place else 0))
        line.append_text(Text(space) + text if column.right else text + Text(space))
    line.rstrip()
    return line
