"""Pixels as a PNG file."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""Rows, columns, red-green-blue."""

_LEVEL = 4
_INCHES_PER_METRE = 39.3701
_MOST_COLORS = 256
_INDEXED = 3


def encode_png(pixels: Pixels, dpi: int) -> bytes:
    """The picture as a PNG of at most 256 colours, half as large as one of all.

    A chart has a few dozen; the many others are the blends at the edges of lines and letters, and like ones share one.
    """
    height, width, _ = pixels.shape
    colors, places = _indexed(pixels)
    rows = np.zeros((height, width + 1), dtype=np.uint8)  # each row begins with its filter: none
    rows[:, 1:] = places
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


def _indexed(pixels: Pixels) -> tuple[Pixels, Pixels]:
    """The colours, and each pixel's place among them: like ones together, by as many bits as leave few enough."""
    for bits in (5, 4, 3, 2):
        red, green, blue = ((pixels[..., part] >> (8 - bits)).astype(np.uint16) for part in range(3))
        codes = (red << (2 * bits)) | (green << bits) | blue
        counts = np.bincount(codes.ravel())
        used = np.flatnonzero(counts)
        if len(used) <= _MOST_COLORS:
            break
    place = np.zeros(len(counts), dtype=np.uint8)
    place[used] = np.arange(len(used))
    sums = [np.bincount(codes.ravel(), pixels[..., part].ravel()) for part in range(3)]
    # The mean of the like ones: the chart's own colours are so many more than blends that they stay what they are.
    colors = np.stack([np.rint(total[used] / counts[used]) for total in sums], axis=1).astype(np.uint8)
    return colors, place[codes]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
