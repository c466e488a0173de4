"""Words on pictures stand where they are asked to, in any colour, over anything, and each is made once."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.transforms import IdentityTransform

from assay.report.chart import Panel, Series
from assay.report.png.encode import WHITE
from assay.report.png.scales import number_texts
from assay.report.png.sheet import Sheet
from assay.report.png.words import Words, _ink, write_words

PIXELS = IdentityTransform()
BLACK, BLUE = 0xFF000000, 0xFFB27200


def paper(height: int = 60, width: int = 200) -> np.ndarray:
    return np.full((height, width), WHITE)


def box(pixels: np.ndarray) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of what is written."""
    rows, columns = np.nonzero(pixels != WHITE)
    return int(rows.min()), int(rows.max()), int(columns.min()), int(columns.max())


def written(text: str, x: float = 100, y: float = 30, **how: object) -> np.ndarray:
    pixels = paper()
    write_words(pixels, [Words(text, x, y, PIXELS, **how)])  # type: ignore[arg-type]
    return pixels


def test_letters_stand_on_one_line_whatever_hangs_below_it() -> None:
    assert box(written("x"))[1] == 29  # rows count from above, places from below: 30 is between rows 29 and 30
    assert box(written("xX"))[1] == 29
    assert box(written("x_p"))[0] == box(written("x"))[0]
    assert box(written("x_p"))[1] > 30


def test_the_part_that_is_asked_for_stands_at_the_place() -> None:
    *_, left, right = box(written("Xx"))
    assert 100 <= left <= 102
    *_, far_left, end = box(written("Xx", across="right"))
    assert 96 <= end <= 99
    assert end - far_left == right - left
    *_, left, right = box(written("XX", across="center"))
    assert abs((left + right) / 2 - 100) <= 1.5
    assert box(written("X", up="top"))[0] >= 30
    assert box(written("X", up="bottom"))[1] < 30
    top, bottom, *_ = box(written("x", up="center"))
    assert top < 30 <= bottom


def test_a_shift_is_in_points_right_and_up() -> None:
    here, there = box(written("X")), box(written("X", shift=(6.0, 9.0)))  # 120 dots an inch, 72 points
    assert [there[i] - here[i] for i in range(4)] == [-15, -15, 10, 10]


def test_upright_words_are_read_from_below_and_slanted_ones_end_at_the_place() -> None:
    level, upright = written("iiii MM", x=20, y=30), written("iiii MM", x=20, y=30, turn=90)
    top, bottom, left, right = box(upright)
    assert bottom - top == box(level)[3] - box(level)[2]
    assert abs((top + bottom) / 2 - 30) <= 2
    dark = (upright != WHITE)[:, left : right + 1].sum(axis=1)
    assert dark[top : (top + bottom) // 2].sum() > dark[(top + bottom) // 2 : bottom + 1].sum()  # the M's are above
    top, _, left, right = box(written("MMMM", turn=30))
    assert top >= 30
    assert left < 60 < 100 <= right < 110


def test_words_take_their_colour_and_blend_with_what_is_below() -> None:
    assert np.uint32(BLUE) in written("XXX", color="#0072B2")
    dark = np.full((60, 200), BLACK, dtype=np.uint32)
    write_words(dark, [Words("XXX", 100, 30, PIXELS, color="#FFFFFF")])
    assert WHITE in dark
    assert ((dark >> 24) == 255).all()
    light = written("XXX")
    greys = [pixels.view(np.uint8).reshape(60, 200, 4)[..., 0] for pixels in (light, dark)]
    assert (greys[0] + greys[1] == 255).all()  # the same shape, blended the other way round


def test_what_leaves_the_picture_is_cut_and_what_has_no_place_is_left_out() -> None:
    for x, y in ((-10.0, 30.0), (195.0, 30.0), (100.0, -5.0), (100.0, 58.0)):
        assert (written("XXXX", x=x, y=y) != WHITE).any()
    for x, y in ((-500.0, 30.0), (500.0, 30.0), (100.0, 500.0), (float("nan"), 30.0), (100.0, float("inf"))):
        assert (written("XXXX", x=x, y=y) == WHITE).all()


def test_a_dollar_is_a_dollar() -> None:
    assert box(written("$x$"))[3] > box(written("x"))[3] + 10  # not a formula


def test_the_same_words_are_made_once() -> None:
    panel = Panel("Words of this test alone", "x", "y", [Series("", "line", [0.0, 1.0], [0.0, 1.0], "#0072B2")])
    sheet, made = Sheet(), _ink.cache_info().misses
    first = sheet.draw_panel(panel)
    assert _ink.cache_info().misses > made
    made = _ink.cache_info().misses
    assert (sheet.draw_panel(panel) == first).all()
    assert _ink.cache_info().misses == made


@pytest.mark.parametrize(
    ("places", "texts"),
    [
        ([], []),
        ([0.0], ["0"]),
        ([-0.0, 0.1, 0.2, 0.1 + 0.2], ["0", "0.1", "0.2", "0.3"]),
        ([0.0, 2.5, 5.0], ["0", "2.5", "5"]),
        ([0.0, 2000.0, 8000.0], ["0", "2,000", "8,000"]),
        ([0.0, 5000.0, 10_000.0], ["0", "5k", "10k"]),
        ([0.0, 250_000.0, 500_000.0], ["0", "250k", "500k"]),
        ([-1e6, 0.0, 2.5e6], ["-1M", "0", "2.5M"]),
        ([0.0, 4e12], ["0", "4,000B"]),
    ],
)
def test_numbers_of_an_axis_are_short_and_all_by_the_same_thousands(places: list[float], texts: list[str]) -> None:
    assert number_texts(places) == texts
