"""PNG files of few colours show what was drawn."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from assay.report.png.encode import encode_png


def shown(pixels: np.ndarray) -> np.ndarray:
    opaque = np.full((*pixels.shape[:2], 1), 255, dtype=np.uint8)
    packed = np.concatenate([pixels, opaque], axis=2).view("<u4")[:, :, 0]
    return np.asarray(Image.open(io.BytesIO(encode_png(packed, 150))).convert("RGB"))


def test_few_colours_stay_what_they_are() -> None:
    pixels = np.full((40, 60, 3), 255, dtype=np.uint8)
    pixels[5:20, 5:30] = (0, 114, 178)
    pixels[20:30, 10:50] = (213, 94, 0)
    assert (shown(pixels) == pixels).all()


@pytest.mark.parametrize(("colours", "most"), [(200, 8), (20_000, 64)])
def test_many_blends_are_near_what_was_drawn(colours: int, most: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (colours // 100, 100, 3), dtype=np.uint8)
    assert np.abs(shown(pixels).astype(int) - pixels).max() <= most
    assert len(np.unique(shown(pixels).reshape(-1, 3), axis=0)) <= 256


def test_paper_without_a_mark_is_white() -> None:
    assert (shown(np.full((4, 6, 3), 255, dtype=np.uint8)) == 255).all()


def test_what_is_nearly_white_beside_much_white_is_white() -> None:
    pixels = np.full((200, 200, 3), 255, dtype=np.uint8)
    pixels[0, :10] = 249
    assert (shown(pixels)[1:] == 255).all()
