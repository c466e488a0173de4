"""`--fail-if`: conditions on what was measured, for continuous integration."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assay.digits import number_text, percent_text
from assay.errors import UserError
from assay.runs import Result
from assay.runs.slo import parse_duration_ns

_WORDS = re.compile(r"\s*([a-z_ ]+?)\s*(?:\bp(50|90|95|97|99)\b)?\s*(<|>)\s*(\S+(?: ?[a-z%/]+)?)\s*")
_LATENCIES = {"ttft": "ttft_ns", "tpot": "tpot_ns", "itl": "itl_ns", "latency": "latency_ns"}
_RATES = {"requests": "samples_per_s", "tokens": "output_tokens_per_s", "goodput": "goodput_per_s"}
_MEND = (
    "write --fail-if 'ttft p99 > 500ms', with ttft, tpot, itl or latency; or 'requests < 10' and 'tokens < 1000' "
    "(a second), 'goodput < 5' (a second), 'unanswered > 1%'"
)


@dataclass(frozen=True)
class Condition:
    """One condition on one load. Where it holds, or can't be judged, the command fails."""

    text: str
    quantity: str
    percentile: str | None
    above: bool
    limit: float

    def broken_by(self, result: Result) -> str | None:
        """Why the load breaks the condition; None where it doesn't."""
        value, shown = self._value(result)
        if value is None:
            return f"{self.text}: {shown}"
        return f"{self.text}: it is {shown}" if self._holds(value) else None

    def judged(self, result: Result) -> dict[str, Any]:
        """For scripts: the figure's name, its value (ns, a second, or a share), and whether the condition holds.

        Both are null where the load has no such figure, which fails the command too.
        """
        value, _ = self._value(result)
        name = _LATENCIES.get(self.quantity) or _RATES.get(self.quantity) or "unanswered_share"
        figure = f"{name} p{self.percentile}" if self.percentile else name
        return {"figure": figure, "value": value, "holds": None if value is None else self._holds(value)}

    def _holds(self, value: float) -> bool:
        return value > self.limit if self.above else value < self.limit

    def _value(self, result: Result) -> tuple[float | None, str]:
        if self.quantity == "unanswered":
            counts = {name: result.figures.get(f"samples_{name}") for name in ("issued", "completed")}
            issued, completed = counts["issued"], counts["completed"]
            if issued is None or completed is None or not issued.value:
                return None, "nothing was sent"
            share = (issued.value - completed.value) / issued.value
            return share, percent_text(share, 2)
        if self.percentile is not None:
            distribution = result.latency.get(_LATENCIES[self.quantity])
            if distribution is None:
                return None, "not measured"
            value = float(getattr(distribution, f"p{self.percentile}"))
            return value, f"{number_text(value / 1e6)} ms"
        found = result.figures.get(_RATES[self.quantity])
        return (None, "not measured") if found is None else (found.value, f"{number_text(found.value)} {found.unit}")


def parse_condition(text: str) -> Condition:
    """Raises UserError with how to write one."""
    match = _WORDS.fullmatch(text.lower())
    if match is None:
        raise UserError(f"--fail-if {text!r}: {_MEND}")
    quantity, percentile, sign, value = match[1], match[2], match[3], match[4]
    try:
        if quantity in _LATENCIES:
            return Condition(text, quantity, percentile or "99", sign == ">", float(parse_duration_ns(value)))
        if percentile is None and quantity == "unanswered" and value.endswith("%"):
            return Condition(text, quantity, None, sign == ">", _number(value.removesuffix("%")) / 100)
        if percentile is None and quantity in _RATES:
            return Condition(text, quantity, None, sign == ">", _number(value))
    except ValueError as error:
        raise UserError(f"--fail-if {text!r}: {error}; {_MEND}") from None
    raise UserError(f"--fail-if {text!r}: {_MEND}")


def check_known(conditions: Sequence[Condition], settings: dict[str, Any]) -> None:
    """Raises UserError for a condition on what no run of these settings has: it would only fail after all of them."""
    longest = _longest_answer(settings["dataset"])
    for condition in conditions:
        if condition.quantity == "goodput" and "slo" not in settings:
            raise UserError(f"--fail-if {condition.text!r}: goodput counts by limits: give --slo ttft=500ms,tpot=50ms")
        if condition.quantity in ("tpot", "itl") and longest == 1:
            raise UserError(
                f"--fail-if {condition.text!r}: an answer of one token has no {condition.quantity}: raise --output"
            )


def _longest_answer(dataset: dict[str, Any]) -> int | None:
    """Tokens; None: not known beforehand."""
    made = dataset.get("synthetic", {}).get("output")
    if isinstance(made, dict):
        made = made.get("high")
    return made if made is not None else dataset.get("max_tokens")


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):  # no value is above or below nan: the condition would never hold
        raise ValueError(f"{text!r} is no limit")
    return value
