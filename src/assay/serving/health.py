"""The preflight report: rows, and a score that is the sum of what passed."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, computed_field

from assay.runs.node_facts import NodeFacts

FIRST_TOKEN = "first token"
"""The check that sends a request as a run does."""


_EACH = 24
"""Lines of one check with one outcome."""


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
        """Node, check, outcome, points, and what was seen or must be done.

        Where a check ended alike on more than _EACH nodes one line stands for those on which it didn't fail; of
        failures the first are told.
        """
        alike: dict[tuple[str, CheckOutcome], list[CheckRow]] = {}
        for row in self.rows:
            alike.setdefault((row.check, row.outcome), []).append(row)
        lines = []
        for row in self.rows:
            like = alike[row.check, row.outcome]
            told = _EACH if row.outcome is CheckOutcome.FAILED else 1
            if len(like) <= _EACH or any(row is other for other in like[: told - 1]):
                lines.append(_line(row.node, [row], _words(row)))
            elif row is like[told - 1]:
                rest = like[told - 1 :]
                lines.append(_line(f"{row.node} … {rest[-1].node} ({len(rest)})", rest, f"{row.node}: {_words(row)}"))
        return lines


def _line(nodes: str, rows: list[CheckRow], words: str) -> tuple[str, str, str, str, str]:
    """One line for rows of the same check and outcome."""
    outcome, most = rows[0].outcome, sum(row.weight for row in rows)
    got = most if outcome is CheckOutcome.PASSED else 0
    return nodes, rows[0].check, outcome.value, "-" if outcome is CheckOutcome.SKIPPED else f"{got}/{most}", words


def _words(row: CheckRow) -> str:
    detail = "; ".join(line.strip() for line in row.detail.splitlines())  # several lines: what a program said
    return f"{detail}: {row.mend}" if row.mend else detail


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
