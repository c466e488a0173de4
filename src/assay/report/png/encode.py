"""Pixels as a PNG file."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint32]
"""Rows, columns; of each pixel, from the lowest byte up, red, green, blue, and how opaque it is: wholly."""

WHITE = np.uint32(0xFFFFFFFF)
_LEVEL = 4
_INCHES_PER_METRE = 39.3701
_MOST_COLORS = 256
_INDEXED = 3


def encode_png(pixels: Pixels, dpi: int) -> bytes:
    """The picture as a PNG of at most 256 colours, half as large as one of all.

    A chart has a few dozen; the many others are the blends at the edges of lines and letters, and like ones share one.
    """
    height, width = pixels.shape
    colors, places = _indexed(pixels.ravel())
    rows = np.zeros((height, width + 1), dtype=np.uint8)  # each row begins with its filter: none
    rows[:, 1:] = places.reshape(height, width)
    per_metre = round(dpi * _INCHES_PER_METRE)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, _INDEXED, 0, 0, 0)),
            _chunk(b"pHYs", struct.pack(">IIB", per_metre, per_metre, 1)),
            _chunk(b"PLTE", colors.tobytes()),
            _chunk(b"IDAT", zlib.compress(rows.tobytes(), _LEVEL)),
            _chunk(b"IEND", b""),
        )
    )


def _indexed(pixels: Pixels) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The colours, and each pixel's place among them: like ones together, by as many bits as leave few enough.

    Most of a chart is its white paper, which is counted once and for all: only what is drawn on it is looked at.
    """
    drawn = np.flatnonzero(pixels != WHITE)
    parts = [((pixels[drawn] >> shift) & 0xFF).astype(np.uint16) for shift in (0, 8, 16)]
    paper = len(pixels) - len(drawn)
    for bits in (5, 4, 3, 2):
        red, green, blue = (part >> np.uint16(8 - bits) for part in parts)
        codes = (red << np.uint16(2 * bits)) | (green << np.uint16(bits)) | blue
        counts = np.bincount(codes, minlength=1 << (3 * bits))
        counts[-1] += paper  # the last code is white's
        used = np.flatnonzero(counts)
        if len(used) <= _MOST_COLORS:
            break
    place = np.zeros(len(counts), dtype=np.uint8)
    place[used] = np.arange(len(used))
    places = np.full(len(pixels), place[-1])
    places[drawn] = place[codes]
    sums = [np.bincount(codes, part, minlength=len(counts)) for part in parts]
    # The mean of the like ones: the chart's own colours are so many more than blends that they stay what they are.
    means = [(total[used] + 255 * paper * (used == len(counts) - 1)) / counts[used] for total in sums]
    return np.stack([np.rint(mean) for mean in means], axis=1).astype(np.uint8), places


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
