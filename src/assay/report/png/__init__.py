"""Chart descriptions as PNGs: a panel is drawn once into pixels, and charts are put together from those."""

from assay.report.png.picture import Pictures, draw_png

__all__ = ["Pictures", "draw_png"]
