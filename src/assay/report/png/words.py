"""Writes words on a picture: the ink of each is made once, and laid wherever it stands.

Pictures share most of their names and numbers. matplotlib lays out and rasters each anew, which is half of what a
report costs; the ink is that of its own typeface all the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.report.png.encode import Pixels

if TYPE_CHECKING:
    from matplotlib.transforms import Transform

DPI = 120
_POINT = DPI / 72
# Of a line's height, what its typeface keeps above and below the letters' foot.
_ASCENT, _DESCENT = 0.76, 0.24
_MOST_INKS = 2048


@dataclass(frozen=True)
class Words:
    """One line of text at a place, which `frame` takes to pixels from the picture's lower left corner.

    `shift` moves it right and up, in points. `across` and `up` say which part of it stands at the place; slanted words,
    of 30 degrees, end there, and upright ones, of 90, have their left edge there.
    """

    text: str
    x: float
    y: float
    frame: Transform
    shift: tuple[float, float] = (0.0, 0.0)
    size: float = 9
    color: str = "#000000"
    bold: bool = False
    across: Literal["left", "center", "right"] = "left"
    up: Literal["top", "center", "baseline", "bottom"] = "baseline"
    turn: Literal[0, 30, 90] = 0


class _Ink(NamedTuple):
    """How much of the colour each pixel takes, of 255, and the row that the letters stand on."""

    mask: NDArray[np.uint8]
    foot: int


def write_words(pixels: Pixels, words: Iterable[Words]) -> None:
    """Write on a picture; what stands at no place, or out of the picture, isn't written."""
    for one in words:
        x, y = (float(part) for part in one.frame.transform((one.x, one.y)))
        if one.text and math.isfinite(x) and math.isfinite(y):
            ink = _ink(one.text, one.size, one.bold, one.turn)
            left, top = _corner(one, ink, x + _POINT * one.shift[0], len(pixels) - y - _POINT * one.shift[1])
            _lay(pixels, ink.mask, round(left), round(top), one.color)


def _corner(words: Words, ink: _Ink, x: float, y: float) -> tuple[float, float]:
    """Where the ink's upper left corner comes, from the picture's, for words at `x` and `y` from there."""
    rows, columns = ink.mask.shape
    ascent, descent = _ASCENT * words.size * _POINT, _DESCENT * words.size * _POINT
    if words.turn == 30:
        return x + ascent / 2 - columns, y
    if words.turn == 90:
        return x + ascent - ink.foot, y - rows / 2
    foot = {"top": y + ascent, "center": y + (ascent - descent) / 2, "baseline": y, "bottom": y - descent}[words.up]
    return x - {"left": 0.0, "center": 0.5, "right": 1.0}[words.across] * columns, foot - ink.foot


def _lay(pixels: Pixels, mask: NDArray[np.uint8], left: int, top: int, color: str) -> None:
    height, width = pixels.shape
    rows, columns = mask.shape
    ys, xs = slice(max(0, top), min(height, top + rows)), slice(max(0, left), min(width, left + columns))
    if ys.start >= ys.stop or xs.start >= xs.stop:
        return
    share = mask[ys.start - top : ys.stop - top, xs.start - left : xs.stop - left].astype(np.uint32)
    under, mixed = pixels[ys, xs], np.full(share.shape, 0xFF000000, dtype=np.uint32)
    for place, shift in enumerate(np.array((0, 8, 16), dtype=np.uint32)):
        ink = np.uint32(int(color[1 + 2 * place : 3 + 2 * place], 16))
        mixed |= (((under >> shift) & 0xFF) * (255 - share) + ink * share + 127) // 255 << shift
    pixels[ys, xs] = mixed


@lru_cache(maxsize=_MOST_INKS)
def _ink(text: str, size: float, bold: bool, turn: int) -> _Ink:
    import matplotlib.backends.backend_agg as agg
    from matplotlib.ft2font import FT2Font

    hinting: Any = agg.get_hinting_flag
    font = FT2Font(_typeface(bold))
    font.set_size(size, DPI)
    font.set_text(text, 30.0 if turn == 30 else 0.0, flags=hinting())
    font.draw_glyphs_to_bitmap()
    mask = np.array(font.get_image())
    foot = int((font.get_width_height()[1] - font.get_descent()) / 64 + 1)
    return _Ink(np.rot90(mask), foot) if turn == 90 else _Ink(mask, foot)


@cache
def _typeface(bold: bool) -> str:
    from matplotlib.font_manager import FontProperties, findfont

    return str(findfont(FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")))
