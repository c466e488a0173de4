"""Numbers in words: four significant digits, thousands apart, the unit that suits the size."""

from __future__ import annotations

import math

from assay import digits
from assay.runs.result import Distribution, Figure

_WIDE = 2.0
"""Times the lower end: an interval that is wider doesn't give even a rate's first digit."""
_RATIO_DIGITS, _MOST_DIGITS = 3, 7
TIMES = "\N{MULTIPLICATION SIGN}"
NOT_MEASURED = digits.NOT_MEASURED
number = digits.number_text
percent = digits.percent_text
moment = digits.moment_text


def interval(low: float | None, high: float | None, unit: str = "") -> str:
    """Such as "95 %: 13.07 to 14.28 ms"; a side that isn't bounded says so."""
    unit = f" {unit}" if unit else ""
    if low is None and high is None:
        return "no interval: too few samples"
    if high is None:
        return f"95 %: above {number(low)}{unit}; too few samples for an upper bound"
    if low is None:
        return f"95 %: below {number(high)}{unit}; too few samples for a lower bound"
    return f"95 %: {number(low)} to {number(high)}{unit}"


def with_interval(value: float | None, low: float | None, high: float | None) -> str:
    """Such as "13.66 (13.07 to 14.28)" or "13.66 (13.07 or more)"."""
    if value is None or (low is None and high is None):
        return number(value)
    return f"{number(value)} ({digits.span_text(low, high)})"


def span(low: float | None, high: float | None) -> str:
    """An interval in a column of its own; empty where there is none."""
    return "" if low is None or high is None else f"{number(low)} to {number(high)}"


def measured(value: float | None, unit: str, low: float | None, high: float | None) -> str:
    """A number in a sentence, such as "13.66 tokens/s (95 %: 13.07 to 14.28)"; one that has no interval says so."""
    unit = f" {unit}" if unit else ""
    return f"{number(value)}{unit} ({bounds(low, high)})"


def rate(value: float, unit: str, low: float | None, high: float | None) -> str:
    """A rate in a sentence; where its interval's ends are far apart, that the number says little."""
    words = measured(value, unit, low, high)
    wide = low is not None and high is not None and high > _WIDE * low
    return f"{words.removesuffix(')')}, since too little was measured to say it closer)" if wide else words


def bounds(low: float | None, high: float | None) -> str:
    """Such as "95 %: 13.07 to 14.28" or "95 %: 13.07 or more"."""
    return "no interval: too few samples" if low is None and high is None else f"95 %: {digits.span_text(low, high)}"


def share(value: float | None, low: float | None, high: float | None) -> str:
    """A part of a whole in per cent, such as "99.5 % (98.7 to 100.3)"."""
    if value is None or low is None or high is None:
        return percent(value)
    return f"{percent(value)} ({100 * low:.1f} to {100 * high:.1f})"


def times(value: float | None, low: float | None, high: float | None) -> str:
    """A ratio with its interval, such as "1.46 x (1.42 to 1.51)", with a true sign."""
    if value is None or not math.isfinite(value):
        return NOT_MEASURED
    if low is None or high is None:
        return f"{number(value, _RATIO_DIGITS)} {TIMES}"
    return f"{_beside_one(value, low, high)} {TIMES} ({_ratio_ends(low, high)})"


def ratio_interval(low: float, high: float) -> str:
    """Such as "95 %: 1.42 to 1.51", with as many digits as a ratio has."""
    return f"95 %: {_ratio_ends(low, high)}"


def _ratio_ends(low: float, high: float) -> str:
    return f"{_beside_one(low, low, high)} to {_beside_one(high, low, high)}"


def _beside_one(value: float, low: float, high: float) -> str:
    """With three digits, or as many as tell it from 1 where the interval does: "1.00 to 1.40" would show nothing."""
    most = _MOST_DIGITS if low > 1 or high < 1 else _RATIO_DIGITS
    words = [number(value, digits) for digits in range(_RATIO_DIGITS, most + 1)]
    return next((told for told in words if told.rstrip("0") != "1."), words[0])


def count(number_of: int, noun: str) -> str:
    """Such as "1 node" or "2 nodes"."""
    return f"{number(number_of)} {noun}{'s' * (number_of != 1)}"


def figure(value: Figure | None) -> str:
    return NOT_MEASURED if value is None else with_interval(value.value, value.low, value.high)


def ms(value_ns: float | None) -> str:
    """Nanoseconds as milliseconds."""
    return NOT_MEASURED if value_ns is None else number(value_ns / 1e6)


def percentile_interval(distribution: Distribution, key: str) -> tuple[float | None, float | None]:
    """A percentile's interval in ms."""
    low, high = distribution.intervals.get(key, (None, None))
    return (None if low is None else low / 1e6), (None if high is None else high / 1e6)


def duration(seconds: float | None) -> str:
    """Such as 45.2 s, 12.3 min, 4.1 h."""
    if seconds is None or not math.isfinite(seconds):
        return NOT_MEASURED
    return _in_unit(seconds, *_unit_of(seconds))


def durations(low_s: float, high_s: float) -> str:
    """Such as "1.97 min to 2.22 min": both ends in the unit of the longer."""
    if not (math.isfinite(low_s) and math.isfinite(high_s)):
        return f"{duration(low_s)} to {duration(high_s)}"
    unit = _unit_of(high_s)
    return f"{_in_unit(low_s, *unit)} to {_in_unit(high_s, *unit)}"


def _unit_of(seconds: float) -> tuple[int, str]:
    return next((unit for unit in ((86_400, "d"), (3600, "h"), (60, "min")) if seconds >= 2 * unit[0]), (1, "s"))


def _in_unit(seconds: float, size_s: int, unit: str) -> str:
    return f"{number(seconds / size_s, 3)} {unit}"


def size(count: float | None) -> str:
    """Bytes as GiB or MiB."""
    if count is None:
        return NOT_MEASURED
    for factor, unit in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if count >= factor:
            return f"{number(count / factor, 3)} {unit}"
    return f"{int(count)} B"


def beside(figure: str, unanswered: str) -> str:
    """A rate, or what stands below it, with the part of its samples that it lacks."""
    return "; ".join(words for words in (figure, unanswered) if words)
