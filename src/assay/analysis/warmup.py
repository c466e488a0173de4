"""What a warm-up that didn't come to an end says of its run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.digits import number_text
from assay.runs.record import RunRecord
from assay.runs.warmup import WarmupFacts, growth, rise

_SHOWN = 5
STILL_FASTER = "The warm-up ended while the servers still became faster"
ONE_WAVE = "The warm-up was one wave only: whether the servers still became faster isn't known"


@dataclass(frozen=True)
class Unsteady:
    """The endpoint whose waves differ most.

    `rises` is whether it may still have become faster; `cost` by how much a later run may be, 0.1 is 10 %, None where
    one wave was all that there was time for.
    """

    endpoint: str
    places: int
    rates: tuple[float, ...]
    rises: bool
    cost: float | None

    @property
    def waves(self) -> str:
        """The last waves in words."""
        shown = ", ".join(number_text(rate) for rate in self.rates[-_SHOWN:])
        before = "… " if len(self.rates) > _SHOWN else ""
        many = "" if self.places == 1 else "s"
        return f"waves of {self.places} prompt{many} at {self.endpoint}: {before}{shown} tokens/s"

    @property
    def title(self) -> str:
        """What the waves show, without a full stop."""
        if self.cost is None:
            return ONE_WAVE
        if self.rises:
            return STILL_FASTER
        return "The servers' speed varied during the warm-up, without getting higher"

    @property
    def expected(self) -> str:
        """What a later run may do, in words."""
        if self.cost is None:
            return "a later run may be faster; by how much is unknown"
        if self.rises:
            return f"a later run may be up to {100 * self.cost:.0f} % faster, as the last waves were"
        return f"runs may differ by {100 * self.cost:.0f} %, as equal waves did"


def unsteady(record: RunRecord) -> Unsteady | None:
    """None where every endpoint's rate was steady, and where that isn't known or the run isn't about speed."""
    facts = record.warmup
    if facts.tolerance is None or facts.settled or record.mode != "performance":
        return None
    found = [_of(facts, name, rates, facts.tolerance) for name, rates in facts.waves.items()]
    return max((one for one in found if one is not None), key=lambda one: (one.rises, one.cost or 0.0), default=None)


def _of(facts: WarmupFacts, name: str, rates: Sequence[float], tolerance: float) -> Unsteady | None:
    if len(rates) < 2:
        return Unsteady(name, facts.places[name], tuple(rates), True, None)
    last = growth(rates)
    if abs(last) <= tolerance:
        return None
    more = last if len(rates) == 2 else rise(rates)
    return Unsteady(name, facts.places[name], tuple(rates), more > tolerance, max(more, abs(last)))
