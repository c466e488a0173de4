"""Where a search measures: one try on one start of its servers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.campaign.tune_engine.space import Setup
from assay.runs import RunEntry
from assay.runs.campaign import Stage


@dataclass(frozen=True)
class Place:
    """One setup with one window, on one start, in one stage; `repeat` counts a final's starts from 0."""

    setup: Setup
    window: int | None
    stage: Stage
    start: int
    repeat: int = 0

    @property
    def title(self) -> str:
        """What the keys of its runs begin with."""
        return f"{self.stage}-start-{self.start}" + (f"-window-{self.window}" if self.window else "")

    def holds(self, runs: Sequence[RunEntry]) -> list[RunEntry]:
        """The same runs, of this place."""
        return [
            run.model_copy(
                update={
                    "settings": dict(self.setup.settings),
                    "servers": self.setup.servers,
                    "server_nodes": self.setup.server_nodes,
                    "window": self.window,
                    "start": self.start,
                    "stage": self.stage,
                }
            )
            for run in runs
        ]
