"""What MLPerf fixes for each of its benchmarks of language models."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from assay.benchmarks.mlperf.rules import MIN_DURATION_NS, ROUND
from assay.benchmarks.model import Range
from assay.safe_yaml import read_yaml

T = TypeVar("T")

_MS = 1_000_000


@dataclass(frozen=True)
class LlmFacts:
    """One benchmark's counts, limits and quality. `targets` holds the least and the most of each score that passes."""

    name: str
    samples: int | None
    scored_samples: int | None
    limits_ns: dict[str, tuple[int, int]]
    """By scenario: the 99th percentile's limits of TTFT and TPOT."""
    token_latencies: bool
    reference: dict[str, float]
    targets: dict[str, Range]
    latency_limits_ns: dict[str, int] = field(default_factory=dict)
    """By scenario: the 99th percentile's limit of the whole latency."""
    min_duration_ns: int = MIN_DURATION_NS
    """0 where one pass over the data is enough."""
    compliance: tuple[str, ...] = ()
    """Tests that the closed division asks for."""
    mean_output_tokens: tuple[float, float] | None = None
    """The least and the most of a performance run."""
    timed_accuracy: tuple[str, float] | None = None
    """A score and the least of it that TEST07 asks for."""
    rounds: tuple[str, ...] = ()
    """In which results of it were submitted."""
    needed: tuple[tuple[str, ...], ...] = ()
    """Scenarios that the closed division asks for since v6.0: one of each group. Empty: not known."""
    folder: str = ""
    """Its folder's name in a submission."""
    suite: str = "datacenter"
    """The kind of systems that it is for: datacenter or edge."""

    @property
    def last_round(self) -> str:
        """The newest round that had it, as far as is known here."""
        return ROUND if ROUND in self.rounds or not self.rounds else self.rounds[-1]

    def limits(self, scenario: str | None) -> tuple[int, int] | None:
        """Limits of a scenario, however a folder writes its name."""
        return _named(self.limits_ns, scenario)

    def latency_limit_ns(self, scenario: str | None) -> int | None:
        """The limit of a scenario's whole latency, likewise."""
        return _named(self.latency_limits_ns, scenario)


def llm_facts(name: str | None, of_round: str | None = None, scenario: str | None = None) -> LlmFacts | None:
    """The facts of a benchmark in a round, as they are in a scenario; None where it isn't known.

    Where the round isn't known the loosest targets of any round hold.
    `name` may be a folder's in a results tree: llama3_1-8b, llama2-70b-99.9, llama2-70b-interactive-99.
    """
    if not name:
        return None
    plain = name.lower().replace("llama3_1", "llama3.1")
    plain, strict = re.subn(r"-99\.9$", "", plain)
    plain, loose = re.subn(r"-99$", "", plain)
    plain, interactive_only = re.subn(r"-interactive$", "", plain)
    entry = _table().get(plain)
    if entry is None:
        return None
    entry = entry | (_named(entry.get("by_scenario", {}), scenario) or {})
    other = entry.get("by_round", {})
    data = entry | other.get(of_round, {})
    forms = [data] if of_round else [entry, *(entry | one for one in other.values())]
    share = 0.999 if strict else 0.99 if loose else data["share"]
    limits = {key: (ttft * _MS, tpot * _MS) for key, (ttft, tpot) in data.get("limits_ms", {}).items()}
    if interactive_only and "Interactive" in limits:
        limits = {"Server": limits["Interactive"]}
    return LlmFacts(
        name=plain,
        samples=data["samples"],
        scored_samples=data.get("accuracy_samples", data["samples"]),
        limits_ns=limits,
        token_latencies=data.get("tokens", True),
        reference=data["reference"],
        targets=_loosest([_targets(form["reference"], share, form.get("lengths", {})) for form in forms]),
        latency_limits_ns={key: limit * _MS for key, limit in data.get("latency_ms", {}).items()},
        min_duration_ns=MIN_DURATION_NS if data.get("min_duration", True) else 0,
        compliance=tuple(data.get("compliance", ())),
        mean_output_tokens=tuple(data["output_tokens"]) if "output_tokens" in data else None,
        timed_accuracy=tuple(data["timed_accuracy"]) if "timed_accuracy" in data else None,
        rounds=tuple(data.get("rounds", ())),
        needed=tuple(tuple(group) for group in data.get("needed", ())),
        folder=data.get("folder", plain),
        suite=data.get("suite", "datacenter"),
    )


def _named(by_scenario: dict[str, T], scenario: str | None) -> T | None:
    return next((found for key, found in by_scenario.items() if key.lower() == (scenario or "").lower()), None)


def _targets(reference: dict[str, float], share: float, lengths: dict[str, Any]) -> dict[str, Range]:
    found: dict[str, Range] = {}
    for metric, value in reference.items():
        low, high = lengths.get(metric, (share, None))
        found[metric] = (low * value, None if high is None else high * value)
    return found


def _loosest(forms: list[dict[str, Range]]) -> dict[str, Range]:
    found = dict(forms[0])
    for other in forms[1:]:
        for metric, (low, high) in other.items():
            lows, highs = zip((low, high), found[metric], strict=True)
            found[metric] = (
                None if None in lows else min(v for v in lows if v is not None),
                None if None in highs else max(v for v in highs if v is not None),
            )
    return found


@cache
def _table() -> dict[str, Any]:
    data: dict[str, Any] = read_yaml(Path(__file__).with_name("language.yaml")).data["benchmarks"]
    return data
