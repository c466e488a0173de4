"""`ledger.json`: where every sample went."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from assay.runs.folder import RunFolder
from assay.runs.stored import Stored, require_model


class EndpointLedger(BaseModel):
    """One endpoint's attempts. `sent = ok + failed + lost`."""

    model_config = ConfigDict(extra="forbid")

    endpoint: str
    sent: int = 0
    ok: int = 0
    failed: int = 0
    lost: int = Field(default=0, description="sent, and unanswered when the run ended")
    reasons: dict[str, int] = Field(default_factory=dict, description="failed attempts by reason")


def silent(answered: Mapping[str, int]) -> list[str]:
    """Endpoints, by how many samples each answered, that answered none, though there were two for each."""
    enough = sum(answered.values()) >= 2 * len(answered)
    return [name for name, samples in answered.items() if enough and not samples]


class Ledger(Stored):
    """Every sample accounted for: `issued = completed + failed + lost`."""

    WHAT: ClassVar[str] = "a ledger"

    version: int = 1
    issued: int
    completed: int
    failed: int
    lost: int
    resent: int = Field(description="samples that needed more than one attempt")
    attempts: int
    short_outputs: int = Field(description="completed samples of fewer than 2 tokens, reported to LoadGen as 2")
    estimated_tokens: int = Field(default=0, description="completed samples whose chunks LoadGen was told as tokens")
    resent_after_first_token: int = Field(default=0, description="samples whose first token LoadGen had been told")
    endpoints: list[EndpointLedger]
    failure_reasons: dict[str, int] = Field(description="failed samples by their last attempt's reason")
    loadgen_issued: int = Field(description="samples that LoadGen's callback handed over")
    loadgen_completed: int | None = Field(description="samples in LoadGen's own log; null where it wrote none")
    problems: list[str] = Field(description="what doesn't balance; empty when all does")

    @property
    def balanced(self) -> bool:
        return not self.problems

    @property
    def unanswered(self) -> int:
        """Samples that failed or were lost."""
        return self.failed + self.lost


def unanswered_words(issued: float, unanswered: float) -> str:
    """What must stand beside every figure of a run that lacks answers; empty where it lacks none."""
    if not unanswered:
        return ""
    percent = 100 * unanswered / max(issued, 1)
    return (
        f"{unanswered:.0f} of {issued:.0f} samples unanswered ({'under 0.1' if percent < 0.1 else f'{percent:.1f}'} %)"
    )


def reasons_in_words(reasons: Mapping[str, int]) -> str:
    """Why attempts failed and how many, such as "HTTP 503 12, connection reset 1"."""
    return ", ".join(f"{_in_words(reason)} {count}" for reason, count in reasons.items())


def _in_words(reason: str) -> str:
    head, *rest = reason.split("_")
    return " ".join([head.upper() if head in ("http", "tls") else head, *rest])


def read_ledger(folder: RunFolder) -> Ledger:
    """Raises UserError where the folder has no ledger or it can't be read."""
    missing = f"{folder.path}: no ledger.json: not a run folder, or the run didn't end"
    return require_model(folder.ledger, Ledger, missing)
