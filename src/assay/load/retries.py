"""What becomes of a request that wasn't answered well: whose failure it is, and whether it is sent again."""

from __future__ import annotations

from enum import Enum

from assay.load.transport.exchange import Outcome

MAX_WAITS = 100
"""How often one sample is told to come back later before it has failed."""

_OWN = (Outcome.HTTP_4XX,)
_BUSY = (Outcome.HTTP_429, Outcome.HTTP_503)
_UNREACHABLE = (Outcome.CONNECT, Outcome.TLS)


class Result(Enum):
    """What one attempt says about its sample and its endpoint."""

    ANSWERED = "answered"
    FAILED = "failed"
    """The endpoint's failure: the sample is sent again, elsewhere if possible."""
    UNREACHABLE = "unreachable"
    """As FAILED, and nobody listens there."""
    REFUSED = "refused"
    """The sample's own failure: no endpoint would answer it, so it is sent once."""
    BUSY = "busy"
    """The endpoint asks to come back later, which is no failure of either."""


def result_of(outcome: Outcome) -> Result:
    """What an outcome stands for."""
    if outcome is Outcome.OK:
        return Result.ANSWERED
    if outcome in _OWN:
        return Result.REFUSED
    if outcome in _BUSY:
        return Result.BUSY
    return Result.UNREACHABLE if outcome in _UNREACHABLE else Result.FAILED


class Patience:
    """How much of it is left for one sample."""

    __slots__ = ("failures", "waits")

    def __init__(self) -> None:
        self.failures = 0
        self.waits = 0

    def spent(self, result: Result, max_attempts: int) -> bool:
        """Counts an attempt that wasn't answered; whether it was the sample's last."""
        if result is Result.BUSY:
            self.waits += 1
        else:
            self.failures += 1
        return result is Result.REFUSED or self.failures >= max_attempts or self.waits >= MAX_WAITS
