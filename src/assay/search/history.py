"""What a search has behind it: its settings and probes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from assay.search.criteria import Criterion, Floats, Verdict

Role = Literal["bracket", "refine", "confirm"]
"""What a probe is for: which side of the limit a rate is on, where the limit is, whether the rate found holds."""


@dataclass(frozen=True)
class Settings:
    criteria: tuple[Criterion, ...]
    first_rate: float
    """Where the search begins, requests a second; any rate will do, one near the limit saves probes."""
    precision: float = 0.03
    """A share of the rate; the probes end once a little more than the fit's own 95 % interval is within it."""
    budget_s: float | None = None
    """Of probes, the confirming ones included."""
    probes: int | None = None
    """The most, the confirming ones included."""
    confirm_requests: int = 0
    """The fewest of a confirming run."""
    confirm_s: float = 0.0
    """The shortest confirming run."""
    lowest_rate: float = 0.01
    highest_rate: float = 1e6


@dataclass(frozen=True)
class Probe:
    """A run at one rate that has ended."""

    rate: float
    """Intended, requests a second."""
    role: Role
    seconds: float
    of_limits: Floats
    """Requests (rows) in order of arrival by criteria (columns): the measure over its limit, infinite where it failed.

    From the first request on up to the first that was still waited for when the probe ended.
    """
    verdict: Verdict = "undecided"
    """How the trial within it ended."""
    held: bool | None = None
    """Of a confirming run: whether it showed that its rate holds (`trial.confirmation`)."""
    enough: int = 0
    """Of a confirming run that kept its limits in too few requests to show that: how many would; else 0."""
    came: float | None = None
    """Requests a second that did arrive in the part that counts (`trial.came`): by chance a little more or less than
    `rate`. None: as many as intended."""
    client_bound: bool = False
    """The client couldn't keep the rate up: such a probe says nothing of the server."""
    grew: bool = False
    """Its queue grew beyond chance (`trial.queue_grows`). Not sure by itself: near its capacity a server's queue swings
    for longer than a probe lasts."""


@dataclass(frozen=True)
class Run:
    """The next probe."""

    rate: float
    role: Role
    requests: int
    """At most."""
    may_end: bool
    """Whether it ends as soon as its trial is sure."""
    why: str


@dataclass(frozen=True)
class Found:
    """The highest rate that keeps the criteria, a second, with its 95 % interval."""

    rate: float
    low: float
    high: float
    bound_by: str
    """The criterion that breaks first."""
    confirmed: bool
    """Whether a confirming run held at `rate`."""
    why: str
    enough: int = 0
    """Where a run kept the limits at `rate` in too few requests to show that it holds: how many would; else 0."""


@dataclass(frozen=True)
class Stopped:
    """No answer: why, and between which rates it lies as far as is known."""

    because: Literal["budget", "nothing holds", "everything holds", "client", "undecided"]
    low: float | None
    high: float | None
    why: str


Step = Run | Found | Stopped
