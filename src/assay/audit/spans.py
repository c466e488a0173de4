"""Numbers as they were printed: a value and the range that its rounding leaves open."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import reduce

_LARGEST_EXPONENT = 24
_THOUSANDS = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d*)?")


@dataclass(frozen=True)
class Span:
    """A value known to lie in [low, high]. Arithmetic is interval arithmetic."""

    value: float
    low: float
    high: float

    @classmethod
    def exact(cls, value: float) -> Span:
        return cls(value, value, value)

    @classmethod
    def near(cls, value: float, relative: float = 1e-5, absolute: float = 0.0) -> Span:
        """A measured value whose last digits were lost in printing."""
        half = abs(value) * relative + absolute
        return cls(value, value - half, value + half)

    @classmethod
    def typed(cls, text: str, scale: float = 1.0, *, rounded: bool = True) -> Span:
        """A number as somebody wrote it: rounded to its last digit, or cut there. Raises ValueError.

        Zeros that end a whole number may stand for digits that were rounded away, but for the first two: 58000 is
        58,000 or anything that is nearer to it than to 57,000 and 59,000. Where every digit counts, as in percent, it
        isn't `rounded`. `scale` turns the written unit into the kept one.
        """
        number = _decimal(text)
        exponent = int(number.as_tuple().exponent)
        if abs(exponent) > _LARGEST_EXPONENT or abs(number) > Decimal(10) ** _LARGEST_EXPONENT:
            raise ValueError(f"{text[:20]!r} is out of the range of any figure here")
        unit, value = 10.0**exponent, float(number)
        lost = 10.0 ** _rounded_away(number) if rounded and exponent == 0 else unit
        return cls(value * scale, (value - lost / 2) * scale, (value + max(unit, lost / 2)) * scale)

    def __add__(self, other: Span | float) -> Span:
        other = span(other)
        return Span(self.value + other.value, self.low + other.low, self.high + other.high)

    def __sub__(self, other: Span | float) -> Span:
        other = span(other)
        return Span(self.value - other.value, self.low - other.high, self.high - other.low)

    def __mul__(self, other: Span | float) -> Span:
        return _combine(self, span(other), lambda a, b: a * b)

    def __truediv__(self, other: Span | float) -> Span:
        other = span(other)
        if other.low <= 0 <= other.high:
            return Span(self.value / other.value if other.value else math.inf, -math.inf, math.inf)
        return _combine(self, other, lambda a, b: a / b)

    def agrees(self, other: Span | float, slack: float = 0.0) -> bool:
        """The ranges overlap, each widened by `slack` of its value."""
        other = span(other)
        room = slack * max(abs(self.value), abs(other.value))
        return self.low - room <= other.high and other.low <= self.high + room

    def above(self, other: Span | float, slack: float = 0.0) -> bool:
        """Certainly greater."""
        other = span(other)
        return self.low > other.high + slack * abs(other.value)

    def below(self, other: Span | float, slack: float = 0.0) -> bool:
        """Certainly smaller."""
        other = span(other)
        return self.high < other.low - slack * abs(other.value)

    def __str__(self) -> str:
        return f"{self.value:.6g}"


def _decimal(text: str) -> Decimal:
    """A finite number. A comma parts thousands; where it doesn't, the writer may have meant a decimal point."""
    plain = text.strip()
    if "," in plain and not _THOUSANDS.fullmatch(plain):
        raise ValueError(f"{text!r}: a comma parts thousands here (1,234); write a decimal point as in 0.5")
    try:
        number = Decimal(plain.replace(",", "").replace("_", ""))
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a number") from None
    if not number.is_finite():
        raise ValueError(f"{text!r} is not a number")
    return number


def _rounded_away(number: Decimal) -> int:
    """Zeros that end a whole number, its first two digits apart."""
    digits = str(abs(int(number)))
    return min(len(digits) - len(digits.rstrip("0")), max(len(digits) - 2, 0))


def span(value: Span | float) -> Span:
    return value if isinstance(value, Span) else Span.exact(value)


def total(spans: list[Span]) -> Span:
    return reduce(lambda a, b: a + b, spans, Span.exact(0.0))


def _combine(a: Span, b: Span, operate: Callable[[float, float], float]) -> Span:
    corners = [operate(x, y) for x in (a.low, a.high) for y in (b.low, b.high)]
    return Span(operate(a.value, b.value), min(corners), max(corners))


def ns(value: Span | float) -> str:
    """Nanoseconds in the unit that reads best."""
    number = value.value if isinstance(value, Span) else value
    for unit, size in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if abs(number) >= size:
            return f"{number / size:.6g} {unit}"
    return f"{number:.6g} ns"
