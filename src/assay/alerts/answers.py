"""Rules on what progress tells of answers: errors, stall, endpoint_out, deadline."""

from __future__ import annotations

from collections.abc import Iterator

from assay.alerts.course import Course, Endpoint
from assay.alerts.options import AmountRule, DeadlineRule, ShareRule
from assay.alerts.readings import About, Reading, above
from assay.digits import number_text

_LEAST_FAILED = 3
_LEAST_ANSWERS = 20
_LONGER = 3
"""A silence is none while it is shorter than so many times what an answer of the most tokens takes."""
_UNKNOWN, _SLOW_TOKEN_S = 5, 1.0
"""Before that is known: so many times the limit, or an answer of the most tokens, each of which takes so long."""


def errors(course: Course, rule: ShareRule) -> Iterator[Reading]:
    """A few attempts in a thousand fail on any network; single ones say nothing of a share."""
    for endpoint in course.endpoints():
        answered, failed = course.lately(endpoint.about.endpoint)
        if not answered + failed:
            continue
        share = failed / (answered + failed) if failed >= _LEAST_FAILED else 0.0

        def words(name: str = endpoint.about.endpoint, failed: int = failed, of: int = answered + failed) -> str:
            return f"{failed} of the last {of} attempts at {name} failed (limit {100 * rule.limit:g} %)"

        yield above("errors", rule, endpoint.about, course.telling[-1].time_ns, share, "", words)


def stall(course: Course, rule: AmountRule, now_ns: int) -> Iterator[Reading]:
    """Answers may be long: what counts as a silence is measured by those of the same endpoint, once some are known; one
    that never gives any is told of too, later."""
    if course.heard_ns is None or course.phase not in ("load", "drain"):
        return
    silent_s = (now_ns - course.heard_ns) / 1e9

    def nothing_said() -> str:
        return f"the load's process has said nothing for {silent_s:.0f} s (limit {rule.limit:g} s)"

    yield above("stall", rule, About(), now_ns, silent_s, "s", nothing_said, began_ns=course.heard_ns)
    for endpoint in course.endpoints():
        unanswered_s = 0.0 if endpoint.now.out else endpoint.unanswered_ns / 1e9
        held = rule.model_copy(update={"limit": _silence_s(rule, endpoint, course.max_tokens)})

        def words(
            name: str = endpoint.about.endpoint,
            seconds: float = unanswered_s,
            owed: int = endpoint.now.in_flight,
            limit_s: float = held.limit,
        ) -> str:
            return f"{name} has answered nothing for {seconds:.0f} s and owes {owed} (limit {limit_s:.0f} s)"

        time_ns = course.telling[-1].time_ns
        began_ns = time_ns - endpoint.unanswered_ns
        yield above("stall", held, endpoint.about, time_ns, unanswered_s, "s", words, began_ns=began_ns)


def _silence_s(rule: AmountRule, endpoint: Endpoint, tokens: int) -> float:
    """For how long it may give none of the answers that it owes, which are of at most so many tokens."""
    if endpoint.now.completed < _LEAST_ANSWERS:
        return max(_UNKNOWN * rule.limit, _SLOW_TOKEN_S * tokens)
    return max(rule.limit, _LONGER * _longest_s(endpoint, tokens))


def _longest_s(endpoint: Endpoint, tokens: int) -> float:
    """What an answer of so many tokens takes where the mean one takes as long as it does."""
    mean = endpoint.now.output_tokens / endpoint.now.completed
    return endpoint.answer_ns / 1e9 * max(1.0, tokens / max(1.0, mean))


def endpoint_out(course: Course, rule: AmountRule) -> Iterator[Reading]:
    for endpoint in course.endpoints():
        seconds = endpoint.out_ns / 1e9

        def words(name: str = endpoint.about.endpoint, seconds: float = seconds) -> str:
            if not seconds:
                return f"{name} is in service again"
            return f"{name} has been out of service for {seconds:.0f} s (limit {rule.limit:g} s)"

        time_ns = course.telling[-1].time_ns
        began_ns = time_ns - endpoint.out_ns
        yield above("endpoint_out", rule, endpoint.about, time_ns, seconds, "s", words, began_ns=began_ns)


def deadline(course: Course, rule: DeadlineRule) -> Iterator[Reading]:
    """Of the run in progress: how long runs to come will take is nobody's measurement."""
    event = course.newest
    if event is None or event.left is None:
        return
    late_s = (event.utc_ns + event.left.ns) / 1e9 - rule.at.timestamp()
    basis = event.left.basis

    def words() -> str:
        side = "after" if late_s > 0 else "before"
        return f"by {basis} the run ends {number_text(abs(late_s) / 60)} min {side} the deadline {rule.at.isoformat()}"

    yield Reading(
        "deadline", About(), event.time_ns, late_s, 0.0, "s", late_s > 0, late_s <= -rule.margin, words
    )  # fmt: skip
