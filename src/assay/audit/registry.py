"""The rules, by name. A rule is a function from evidence to checks, with a text that explains it."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Generic, TypeVar

from assay.audit.evidence import Evidence, RunEvidence
from assay.audit.verdicts import AuditFinding, Judgement
from assay.errors import UserError

T = TypeVar("T", Evidence, RunEvidence)


@dataclass(frozen=True)
class Check:
    """One comparison that a rule made. `subject` only where it isn't the run, `source` where it isn't the rule's."""

    verdict: Judgement
    statement: str
    arithmetic: str
    subject: str | None = None
    where: str | None = None
    source: str | None = None


@dataclass(frozen=True)
class Rule(Generic[T]):
    name: str
    explain: str
    source: str
    check: Callable[[T], Iterable[Check]]
    per_run: bool

    def apply(self, evidence: Evidence) -> Iterator[AuditFinding]:
        """Every finding of this rule, supported ones included."""
        if not self.per_run:
            yield from self._findings(evidence, evidence.path, evidence.path)  # type: ignore[arg-type]
            return
        for run in every_run(evidence):
            yield from self._findings(run, run.name, run.where)  # type: ignore[arg-type]

    def _findings(self, item: T, subject: str, where: str) -> Iterator[AuditFinding]:
        for check in self.check(item):
            yield AuditFinding(
                rule=self.name,
                verdict=check.verdict,
                subject=check.subject or subject,
                statement=check.statement,
                arithmetic=check.arithmetic,
                source=f"{check.where or where}; {check.source or self.source}",
            )


_RULES: dict[str, Rule[Evidence] | Rule[RunEvidence]] = {}


def run_rule(
    name: str, *, explain: str, source: str
) -> Callable[[Callable[[RunEvidence], Iterable[Check]]], Callable[[RunEvidence], Iterable[Check]]]:
    """Register a rule that judges one run at a time."""

    def register(check: Callable[[RunEvidence], Iterable[Check]]) -> Callable[[RunEvidence], Iterable[Check]]:
        _add(Rule(name, explain, source, check, per_run=True))
        return check

    return register


def evidence_rule(
    name: str, *, explain: str, source: str
) -> Callable[[Callable[[Evidence], Iterable[Check]]], Callable[[Evidence], Iterable[Check]]]:
    """Register a rule that judges all the evidence together."""

    def register(check: Callable[[Evidence], Iterable[Check]]) -> Callable[[Evidence], Iterable[Check]]:
        _add(Rule(name, explain, source, check, per_run=False))
        return check

    return register


def _add(rule: Rule[Evidence] | Rule[RunEvidence]) -> None:
    if rule.name in _RULES:
        raise ValueError(f"two rules are called {rule.name}")
    _RULES[rule.name] = rule


@cache
def all_rules() -> tuple[Rule[Evidence] | Rule[RunEvidence], ...]:
    """All rules, by name: every module of `assay.audit.rules` registers its own."""
    package = import_module("assay.audit.rules")
    for module in sorted(info.name for info in pkgutil.iter_modules(package.__path__)):
        import_module(f"assay.audit.rules.{module}")
    return tuple(_RULES[name] for name in sorted(_RULES))


def explain(name: str) -> str:
    """A rule's text: what it checks, the formula, and where that comes from. Raises UserError for an unknown name."""
    found = {rule.name: rule for rule in all_rules()}
    if name not in found:
        raise UserError(f"no rule is called {name!r}; the rules are: {', '.join(found)}")
    return f"{name}\n\n{found[name].explain.strip()}\n\nSource: {found[name].source}"


def every_run(evidence: Evidence) -> Iterator[RunEvidence]:
    """Runs and the parts within them, each once."""
    seen: set[int] = set()
    for run in evidence.runs:
        for item in (run, *run.parts):
            if id(item) not in seen:
                seen.add(id(item))
                yield item


def supported(statement: str, arithmetic: str) -> Check:
    return Check(Judgement.SUPPORTED, statement, arithmetic)


def unsupported(statement: str, arithmetic: str) -> Check:
    return Check(Judgement.UNSUPPORTED, statement, arithmetic)


def contradicted(statement: str, arithmetic: str) -> Check:
    return Check(Judgement.CONTRADICTED, statement, arithmetic)


def impossible(statement: str, arithmetic: str) -> Check:
    return Check(Judgement.IMPOSSIBLE, statement, arithmetic)


def contradicted_unless(good: bool, words: str, sums: str, subject: str, where: str) -> Check:
    """Of a subject that isn't the rule's own."""
    return Check(Judgement.SUPPORTED if good else Judgement.CONTRADICTED, words, sums, subject, where)


def unsupported_unless(good: bool, words: str, sums: str, subject: str, where: str) -> Check:
    """Likewise, where what is asked for isn't shown."""
    return Check(Judgement.SUPPORTED if good else Judgement.UNSUPPORTED, words, sums, subject, where)
