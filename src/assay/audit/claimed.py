"""What is claimed of figures that are stated elsewhere: a change, a search's rate, a search's settings."""

from __future__ import annotations

from dataclasses import dataclass

from assay.analysis.engine_models import Tuned
from assay.audit.spans import Span


@dataclass
class ClaimedChange:
    """A claim that one run's figure is lower or higher than another's; `share` is that change, negative if lower."""

    statement: str
    figure: str
    share: Span
    before: Span | None
    after: Span | None
    of_time: bool
    """The figures are ns."""


@dataclass
class ClaimedRate:
    """A rate within limits that a search is said to have found, requests/s, beside what its runs show."""

    rate: float
    low: float
    high: float
    confirmed: bool
    found: tuple[float, float, float] | None
    """The rate and its interval, worked out again; None: the runs show none."""
    held: list[float]
    """The rates of confirming runs that kept every limit."""
    why: str


@dataclass
class ClaimedSettings:
    """What a search through an engine's settings is said to have found, beside what its runs show."""

    stated: Tuned
    shown: Tuned
