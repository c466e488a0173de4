"""What a finding is; the rules that make them are in `findings` and beside what they look at."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

UNKNOWN = "unknown"
LIKELY = "likely: "
"""How a suggestion begins that names a cause, which a difference alone doesn't prove."""


class Citation(BaseModel):
    """Where a finding can be checked."""

    model_config = ConfigDict(extra="forbid")

    run: str
    file: str
    figure: str = Field(description="the numbers, in words")


class Finding(BaseModel):
    """One thing that stands out. `expect` is the effect of the suggestion with its basis, or "unknown"."""

    model_config = ConfigDict(extra="forbid")

    rule: str
    severity: Literal["error", "warning", "note"]
    title: str
    evidence: list[Citation] = Field(min_length=1)
    suggestion: str = UNKNOWN
    expect: str = UNKNOWN
    subject: str = Field(default="", description="the node, endpoint or GPU that it is about; empty: the whole run")


def gravest_first(findings: Iterable[Finding]) -> list[Finding]:
    """In their order where they are as grave."""
    grave = {"error": 0, "warning": 1, "note": 2}
    return sorted(findings, key=lambda finding: grave[finding.severity])
