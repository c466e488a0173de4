"""What an audit says: verdicts, findings, one row a run, and the report that holds them."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from assay.errors import EXIT_FINDINGS, EXIT_OK


class Judgement(StrEnum):
    """From best to worst."""

    SUPPORTED = "supported"
    UNSUPPORTED = "unsupported"
    CONTRADICTED = "contradicted"
    IMPOSSIBLE = "impossible"


SEVERITY = {verdict: place for place, verdict in enumerate(Judgement)}


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AuditFinding(_Model):
    """One rule's word on one statement."""

    rule: str
    verdict: Judgement
    subject: str = Field(description="the run or statement that was judged")
    statement: str = Field(description="what is claimed")
    arithmetic: str = Field(description="the computation that decides it")
    source: str = Field(description="files the figures come from, and the rule's authority")

    @property
    def clean(self) -> bool:
        return self.verdict is Judgement.SUPPORTED


class RunRow(_Model):
    """One run's figures as read, and its worst verdict. Shares are of the hardware's own figures."""

    run: str
    where: str
    scenario: str | None
    mode: str
    result: str | None = Field(description="LoadGen's own word, or the harness's")
    samples: int | None
    duration_s: float | None
    samples_per_s: float | None
    tokens_per_s: float | None
    ceiling_samples_per_s: float | None = None
    mbu: float | None = None
    mfu: float | None = None
    utilisation_arithmetic: list[str] = Field(default_factory=list)
    verdict: Judgement
    findings: int = Field(description="verdicts other than supported")
    notes: list[str] = Field(default_factory=list)


class AuditReport(_Model):
    """The versioned result of an audit."""

    version: int = 1
    path: str
    kind: str
    manifest: str = Field(default="", description="whether the files are as they were closed; empty: of no run folder")
    rows: list[RunRow]
    findings: list[AuditFinding]
    not_judged: list[str] = Field(default_factory=list, description="what the files don't tell, or no rule settles")

    @property
    def problems(self) -> list[AuditFinding]:
        """What isn't supported, worst first."""
        found = [finding for finding in self.findings if not finding.clean]
        return sorted(found, key=lambda finding: -SEVERITY[finding.verdict])

    @property
    def clean(self) -> bool:
        return not self.problems

    @property
    def exit_code(self) -> int:
        """0 where every statement is supported, 3 where one isn't."""
        return EXIT_OK if self.clean else EXIT_FINDINGS

    @property
    def counts(self) -> dict[Judgement, int]:
        return {verdict: sum(f.verdict is verdict for f in self.findings) for verdict in Judgement}
