"""When a server is warm: by the token rates of equal waves of requests, one after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.runs.warmup import growth, rise


@dataclass(frozen=True)
class Rule:
    """Two waves in a row whose token rates differ by at most `tolerance` end a warm-up.

    So do two in a row that were no faster than the best before them: such a server varies, but gets no warmer.
    """

    tolerance: float

    def steady(self, rates: Sequence[float]) -> bool:
        """Whether the last two waves agree."""
        return len(rates) >= 2 and abs(growth(rates)) <= self.tolerance

    def over(self, rates: Sequence[float]) -> bool:
        """Whether more waves would make the endpoint no warmer."""
        return self.steady(rates) or (len(rates) > 2 and rise(rates) <= self.tolerance)
