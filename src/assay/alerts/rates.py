"""Rules on rates: an endpoint against its own past, and against others like it.

What is due of an endpoint is the rate that was seen, as much less as it has fewer requests in flight, and no more where
it has more: a server's rate grows no faster than its requests in flight. So one that is asked little isn't slow.

A clean run must raise neither rule, however few its answers are. So two blocks in a row must say the same, each by more
than chance: of N answers that come at random the square root varies by 1/2 (Anscombe 1948), more where their lengths
and the requests in flight vary too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from statistics import median

from assay.alerts.blocks import Block, Part
from assay.alerts.options import ShareRule
from assay.alerts.readings import About, Reading
from assay.digits import number_text

_SURE = 3.0
"""Standard deviations, in each of two blocks."""
_LENGTHS = 2.0
"""Variance of a sum of lengths that vary as those of an exponential distribution do, against that of their number."""
_OF_MEDIAN = 1.57
"""Variance of a median against that of a mean, of normal values (pi / 2)."""
_LIKE = 1.25
"""Lengths that differ by less are alike."""
_LEAST_BLOCKS = 3
_MOST_BLOCKS = 240


@dataclass(frozen=True)
class _Seen:
    """One endpoint in one block."""

    rate: float
    """Output tokens a second."""
    in_flight: float
    """Requests."""
    answers: int
    looks: int
    """The sum of requests in flight over all looks."""
    input_tokens: float
    """Of an answer's prompt."""
    output_tokens: float
    """Of an answer."""

    def due(self, in_flight: float) -> float:
        """The rate at so many requests in flight, at least."""
        return self.rate * min(1.0, in_flight / self.in_flight)


def _seen(part: Part, block: Block) -> _Seen:
    answers = max(1, part.answers)
    return _Seen(
        rate=part.output_tokens / block.seconds,
        in_flight=part.exposure_ns / 1e9 / block.seconds,
        answers=part.answers,
        looks=part.in_flight_seen,
        input_tokens=part.input_tokens / answers,
        output_tokens=part.output_tokens / answers,
    )


def _variance(answers: float, looks: float) -> float:
    """Of a rate, relative to its square: from the answers' number and lengths, and from the requests in flight."""
    return _LENGTHS / answers + 1 / min(answers, looks)


def _held(
    rule: str, settings: ShareRule, about: About, block: Block, now: _Seen, norm: Sequence[_Seen], whose: str
) -> Reading | None:
    """An endpoint against what was seen of others, or of itself earlier; None where nothing is due of it."""
    answers = sum(seen.answers for seen in norm)
    due = median(seen.due(now.in_flight) for seen in norm)
    if not answers or not due:
        return None
    length = sum(seen.output_tokens * seen.answers for seen in norm) / answers
    answers_due, answers_seen = due * block.seconds / length, now.rate * block.seconds / length
    of_norm = _variance(answers, sum(seen.looks for seen in norm)) * (_OF_MEDIAN if len(norm) > 2 else 1)
    spread = sqrt(answers_due * (_variance(answers_due, now.looks) + of_norm))
    sure = 2 * (sqrt(answers_due) - sqrt(answers_seen)) >= _SURE * spread
    share = 1 - now.rate / due

    def words() -> str:
        side = f"{100 * abs(share):.0f} % {'below' if share > 0 else 'above'} {whose}"
        return (
            f"{about.endpoint} makes {number_text(now.rate)} tokens/s with {number_text(now.in_flight)} requests in "
            f"flight, {side} (limit {100 * settings.limit:g} %)"
        )

    bad, good = share > settings.limit and sure, share <= settings.limit - settings.margin
    return Reading(rule, about, block.end_ns, share, settings.limit, "", bad, good, words, block.begin_ns)


@dataclass
class Peers:
    """Endpoints with the same hardware, engine and settings, side by side."""

    groups: Sequence[Sequence[About]]

    def judge(self, block: Block, rule: ShareRule) -> Iterator[Reading]:
        for group in self.groups:
            here = [(a, _seen(block.parts[a.endpoint], block)) for a in group if a.endpoint in block.parts]
            for about, now in here:
                others = [other for _, other in here if other is not now]
                if others and (
                    reading := _held("slower_than_peers", rule, about, block, now, others, "what its peers make")
                ):
                    yield reading


@dataclass
class Before:
    """Each endpoint's own earlier blocks; those that were too slow don't become the norm."""

    abouts: Mapping[str, About]
    _past: dict[str, deque[_Seen]] = field(default_factory=dict)

    def judge(self, block: Block, rule: ShareRule) -> Iterator[Reading]:
        for name, part in block.parts.items():
            past = self._past.setdefault(name, deque(maxlen=_MOST_BLOCKS))
            now, reading = _seen(part, block), None
            if len(past) >= _LEAST_BLOCKS and _same_work(now, past):
                about = self.abouts.get(name, About(endpoint=name))
                reading = _held("slower_than_before", rule, about, block, now, past, "its own median")
            if reading is not None:
                yield reading
            if now.answers and (reading is None or not reading.bad):
                past.append(now)


def _same_work(now: _Seen, past: Sequence[_Seen]) -> bool:
    """Answers and prompts as long as before: else another rate is no news."""
    if not now.answers:
        return True
    lengths = [
        (now.input_tokens, median(seen.input_tokens for seen in past)),
        (now.output_tokens, median(seen.output_tokens for seen in past)),
    ]
    return all(small <= _LIKE * large for pair in lengths for small, large in (pair, pair[::-1]))
