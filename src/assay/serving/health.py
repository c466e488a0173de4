"""The preflight report: rows, and a score that is the sum of what passed."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, computed_field

from assay.serving.facts import NodeFacts

FIRST_TOKEN = "first token"
"""The check that sends a request as a run does."""


class CheckOutcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


class CheckRow(BaseModel):
    """One check of one node, or of the cluster as a whole."""

    model_config = ConfigDict(extra="forbid")

    node: str
    check: str
    outcome: CheckOutcome
    weight: int = Field(ge=0, description="what it adds to the score when it passes")
    detail: str = Field(description="what was seen")
    mend: str = Field(default="", description="what to do; set where it failed")
    required: bool = Field(default=False, description="a run can't start while it fails")


class CheckReport(BaseModel):
    """All rows. The score is earned/possible weight; skipped checks count in neither."""

    model_config = ConfigDict(extra="forbid")

    version: int = 1
    rows: list[CheckRow]
    nodes: list[NodeFacts] = Field(default_factory=list)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def earned(self) -> int:
        return sum(row.weight for row in self.rows if row.outcome is CheckOutcome.PASSED)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def possible(self) -> int:
        return sum(row.weight for row in self.rows if row.outcome is not CheckOutcome.SKIPPED)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def ready(self) -> bool:
        """Whether no required check failed."""
        return not any(row.required and row.outcome is CheckOutcome.FAILED for row in self.rows)

    @property
    def failed(self) -> list[CheckRow]:
        return [row for row in self.rows if row.outcome is CheckOutcome.FAILED]

    @property
    def answered(self) -> bool:
        """Whether a request was sent as a run sends it, and answered."""
        return any(row.check == FIRST_TOKEN and row.outcome is CheckOutcome.PASSED for row in self.rows)

    def table(self) -> list[tuple[str, str, str, str, str]]:
        """Node, check, outcome, points, and what was seen or must be done."""
        rows = []
        for row in self.rows:
            got = row.weight if row.outcome is CheckOutcome.PASSED else 0
            points = "-" if row.outcome is CheckOutcome.SKIPPED else f"{got}/{row.weight}"
            text = f"{row.detail}: {row.mend}" if row.mend else row.detail
            rows.append((row.node, row.check, row.outcome.value, points, text))
        return rows


def judged(
    node: str, check: str, passed: bool | None, weight: int, detail: str, mend: str, *, required: bool = False
) -> CheckRow:
    """A row from a yes or no; None is skipped. `mend` is kept only where it failed."""
    outcome = CheckOutcome.SKIPPED if passed is None else CheckOutcome.PASSED if passed else CheckOutcome.FAILED
    return CheckRow(
        node=node,
        check=check,
        outcome=outcome,
        weight=weight,
        detail=detail,
        mend=mend if passed is False else "",
        required=required,
    )
