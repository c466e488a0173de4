"""What every kind of campaign answers: which runs, in which order, and what a failure means for the others."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from assay.benchmarks import Benchmark
from assay.config import Config
from assay.runs import CampaignFolder, RunEntry
from assay.runs.campaign import CampaignKind, CampaignState
from assay.runs.rate_search import RateSearch
from assay.runs.result import Result


class Kind(ABC):
    """One question that a campaign can ask. Pure: the same configuration and results give the same runs."""

    name: ClassVar[CampaignKind]
    random_order: ClassVar[bool] = False
    """Whether the plan's order is drawn from the campaign's seed."""
    grows: ClassVar[bool] = False
    """Whether `more` adds runs to the plan."""
    leaves_nodes_out: ClassVar[bool] = False
    """Whether the campaign goes on without nodes that can't run. Then a run counts only where every endpoint that it
    stands for took part to the end."""

    tries_setups: ClassVar[bool] = False
    """Whether runs differ in how their servers are set up. A setup whose servers don't start is a failed run then."""

    def check(self, config: Config, nodes: Sequence[str]) -> None:
        """Raises UserError where the configuration can't answer the question on `nodes`."""
        return

    @abstractmethod
    def plan(self, config: Config, nodes: Sequence[str]) -> list[RunEntry]:
        """The runs on `nodes` that are known before anything is measured, in their order. Raises UserError."""

    def bound(self, config: Config) -> str | None:
        """How far a plan that grows can grow, in words; empty: nobody knows; None: all its runs are known."""
        return ""

    def note(self, config: Config) -> str:
        """What is to be said of the plan wherever its results are shown: a few words; empty: nothing."""
        return ""

    def fit(self, config: Config, state: CampaignState, folder: CampaignFolder) -> str:
        """Fit the runs that are left in `state` to what was measured; in words what changed, empty: nothing did."""
        return ""

    def more(
        self, config: Config, state: CampaignState, results: Sequence[Result], folder: CampaignFolder
    ) -> list[RunEntry]:
        """The runs that follow from what was measured, once nothing is left to do; none: the question is answered.

        `folder` is the campaign's, for what is in its runs' files beside their results.
        """
        return []

    def rate_search(self, config: Config, benchmark: Benchmark) -> RateSearch | None:
        """The rate that is searched for; None: no question of this kind. Raises UserError where it can't be."""
        return None

    def files(
        self, config: Config, state: CampaignState, results: Sequence[Result], folder: CampaignFolder
    ) -> dict[str, str]:
        """What the campaign's folder gets once everything is measured: text by file name."""
        return {}
