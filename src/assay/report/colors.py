"""Which colour a node has everywhere, and what is read on a colour."""

from __future__ import annotations

from collections.abc import Sequence

from assay.report.chart import NEUTRAL, PALETTE


def text_color(background: str) -> str:
    """Black or white, whichever is easier to read on the colour (WCAG 2 relative luminance)."""
    parts = [int(background[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if luminance > 0.179 else "#FFFFFF"


class Colors:
    """The same colour for the same node, in the order of their names."""

    def __init__(self, names: Sequence[str]) -> None:
        self._places = {name: place for place, name in enumerate(names)}

    def __getitem__(self, name: str) -> str:
        place = self._places.get(name)
        return NEUTRAL if place is None else PALETTE[place % len(PALETTE)]

    def dashed(self, name: str) -> bool:
        """Beyond the palette's end its colours come again, dashed."""
        return self._places.get(name, 0) // len(PALETTE) % 2 == 1
