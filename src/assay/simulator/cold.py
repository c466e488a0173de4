"""A cold server: the first uses of a batch size are slow, each less than the one before."""

from __future__ import annotations


class FirstUses:
    """Counts the intervals at each batch size, rounded up to a power of two as engines group them.

    The first takes `factor` times as long, the `uses`-th and all that follow their own time: it is uses that warm a
    server, not time.
    """

    def __init__(self, factor: float, uses: int) -> None:
        self._factor = factor
        self._uses = uses
        self._seen: dict[int, int] = {}

    def next_factor(self, running: int) -> float:
        """The factor on one interval while so many requests run."""
        size = (max(running, 1) - 1).bit_length()
        seen = self._seen.get(size, 0)
        if seen >= self._uses:
            return 1.0
        self._seen[size] = seen + 1
        return 1.0 + (self._factor - 1.0) * (1.0 - seen / self._uses)
