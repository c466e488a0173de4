"""What LoadGen's INVALID asks for, as the setting of Assay's that gives it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from assay.benchmarks import ScenarioSpec
from assay.runs.loadgen_logs import LoadgenSummary
from assay.runs.record import RunRecord
from assay.runs.result import LoadgenVerdict

EARLY_STOPPING = "Early stopping satisfied"
_SHORT = "Min duration satisfied"
_SLOW = "Performance constraints satisfied"
_REASONS = {
    _SLOW: "latency limits not met",
    _SHORT: "shorter than its least duration",
    "Min queries satisfied": "fewer queries than its least number",
}
_HEADING = "Early Stopping Result:"
_PROCESSED = re.compile(r"rocessed (\d+) queries")
_MORE = re.compile(r"run at least (\d+) more queries")
_WHOLE = re.compile(r"Need to process at least (\d+) queries")


@dataclass(frozen=True)
class Mend:
    """One change that LoadGen asks for, in words that follow "set".

    With `why`, the setting and its number where a configuration's setting gives it and the number is known.
    """

    words: str
    why: str = ""
    setting: str = ""
    value: float | None = None


def early_stopping(summary: LoadgenSummary) -> list[str]:
    """LoadGen's own words on a failed early stopping, one line a quantity, with how many more queries it wants."""
    if summary.conditions.get(EARLY_STOPPING, True):
        return []
    found: dict[str, list[str]] = {}
    quantity = ""
    for line in summary.early_stopping:
        if line.endswith(_HEADING):
            quantity = line.removesuffix(_HEADING).strip()
        else:
            found.setdefault(quantity, []).append(line.rstrip(".,"))
    return [
        f"{quantity} early stopping: {'. '.join(lines)}".strip()
        for quantity, lines in found.items()
        if not any(line.startswith("Run successful") for line in lines)
    ]


def invalid_words(loadgen: LoadgenVerdict) -> str:
    """LoadGen's reasons in short, such as 'early stopping not met: 435 more queries (TPOT)'."""
    failed = [text.removesuffix(": no") for text in loadgen.reasons if text.endswith(": no")]
    told = [_REASONS[name] for name in failed if name in _REASONS]
    if EARLY_STOPPING in failed:
        wants = [_wants(text) for text in loadgen.reasons]
        told.append(
            "early stopping not met" + "".join(f": {words}" for words in [", ".join(filter(None, wants))] if words)
        )
    return "; ".join(told + [name for name in failed if name not in _REASONS and name != EARLY_STOPPING])


def _wants(reason: str) -> str:
    """How many more queries a failed early stopping asks for; empty where the reason is another, or says no number."""
    quantity, stopping, _ = reason.partition(" early stopping: ")
    if not stopping:
        return ""
    processed, more, whole = (pattern.search(reason) for pattern in (_PROCESSED, _MORE, _WHOLE))
    if more:
        return f"{int(more[1]):,} more queries ({quantity})"
    if whole:
        return f"at least {int(whole[1]):,} queries ({quantity})"
    return f"{quantity} too often over its limit" if processed else ""


def limits_missed(loadgen: LoadgenVerdict) -> bool:
    """Whether LoadGen says that latencies were over their limits."""
    return f"{_SLOW}: no" in loadgen.reasons


def mends(loadgen: LoadgenVerdict, record: RunRecord, spec: ScenarioSpec | None) -> Iterator[Mend]:
    """What to change, with numbers; nothing where LoadGen asks for nothing that a setting gives."""
    scenario, reasons = record.scenario, loadgen.reasons
    model = "*" if spec is None or spec.loadgen_model is None else spec.loadgen_model
    name = "Server" if spec is None else spec.loadgen_scenario
    failed = {text.partition(":")[0].strip() for text in reasons if text.endswith(": no")}
    slow = limits_missed(loadgen)  # early stopping then counts queries that would all have to be within the limits
    if EARLY_STOPPING in failed and not slow and (wanted := _queries(reasons)) is not None:
        if record.official:
            yield Mend(f"{model}.{name}.min_query_count = {wanted} or more in loadgen.user_conf")
        else:
            setting, why = f"queries.{scenario}", "as many queries as LoadGen's early stopping asks for"
            yield Mend(f"{setting} to {wanted} or more", why, setting, wanted)
    if _SHORT in failed and scenario == "Offline":
        yield _longer(loadgen.metrics.get("Samples per second"))
    if _SHORT in failed and scenario == "SingleStream":
        yield Mend(f"a lower {model}.SingleStream.target_latency (ms) in loadgen.user_conf")
    if slow and record.target_qps:
        yield Mend(f"target_qps.{scenario} below {record.target_qps:g} (or the rate in loadgen.user_conf)")


def _longer(rate: float | None) -> Mend:
    """An Offline run lasts as long as LoadGen expects its samples to take at the rate that it is told."""
    setting = "target_qps.Offline"
    if not rate:
        return Mend(f"{setting} higher")
    at_least = rounded_up(rate)
    why = "as high a target as LoadGen's least duration asks for"
    return Mend(f"{setting} to {at_least:g} or more, the rate that was measured", why, setting, at_least)


def _queries(reasons: list[str]) -> int | None:
    """How many queries early stopping wants in all, by the quantity that wants most."""
    wanted = []
    for text in reasons:
        processed, more, whole = (pattern.search(text) for pattern in (_PROCESSED, _MORE, _WHOLE))
        if processed and more:
            wanted.append(int(processed[1]) + int(more[1]))
        elif whole:
            wanted.append(int(whole[1]))
    return max(wanted, default=None)


def rounded_up(rate: float) -> float:
    """Rounded up to three digits, so that the duration is reached."""
    step = 10.0 ** (math.floor(math.log10(rate)) - 2)
    return float(f"{math.ceil(rate / step) * step:g}")
