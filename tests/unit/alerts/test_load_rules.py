"""Each rule on progress, with its cause planted in a course of a load."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.courses import OFFSET_NS, SECOND, Load, Server, alerts_of

from assay.alerts.options import DeadlineRule, Rules
from assay.runs.alerts import AlertEvent


def told(found: list[AlertEvent], rule: str) -> list[tuple[str, str]]:
    return [(event.event, event.subject) for event in found if event.rule == rule]


def test_an_endpoint_at_half_speed_is_slower_than_its_peers() -> None:
    servers = [Server("a", slower=lambda at_s: 2.0), Server("b"), Server("c"), Server("d")]
    (event,) = alerts_of(servers, Load(3500), 1)
    assert (event.rule, event.event, event.endpoint, event.node) == ("slower_than_peers", "raised", "a", "node-a")
    assert 0.4 < event.value < 0.6
    assert event.limit == 0.3
    assert "below what its peers make (limit 30 %)." in event.words
    assert not event.stops


def test_it_is_seen_too_where_arrivals_set_the_pace() -> None:
    servers = [Server("a", slower=lambda at_s: 2.0), *(Server(name) for name in "bcdefgh")]
    assert told(alerts_of(servers, Load(6000, rate=40), 1), "slower_than_peers") == [("raised", "a")]


def test_an_endpoint_that_becomes_slow_and_recovers_is_measured_by_its_own_past() -> None:
    server = Server("a", slower=lambda at_s: 2.0 if 200 < at_s < 400 else 1.0)
    found = alerts_of([server], Load(6000, rate=11, sigma=0.3), 1)
    assert told(found, "slower_than_before") == [("raised", "a"), ("cleared", "a")]
    raised, cleared = found
    assert 200 * SECOND < raised.time_ns < 320 * SECOND
    assert raised.since_ns < raised.time_ns
    assert cleared.time_ns > 400 * SECOND


def test_failed_attempts_raise_and_clear_errors() -> None:
    server = Server("a", fails=lambda at_s: 60 < at_s < 90)
    found = alerts_of([server, Server("b")], Load(4000), 1)
    assert told(found, "errors") == [("raised", "a"), ("cleared", "a")]
    assert 60 * SECOND < found[0].time_ns < 80 * SECOND


def test_a_few_failures_are_no_share() -> None:
    server = Server("a", fails=lambda at_s: 60 < at_s < 60.15)
    assert not told(alerts_of([server], Load(1000), 1), "errors")


def test_an_endpoint_that_owes_answers_and_gives_none_is_stalled() -> None:
    server = Server("a", slower=lambda at_s: 300.0 if at_s > 30 else 1.0)
    found = alerts_of([server, Server("b")], Load(6000), 1)
    assert ("raised", "a") in told(found, "stall")
    assert ("raised", "b") not in told(found, "stall")
    (event,) = [event for event in found if event.rule == "stall" and event.event == "raised"]
    assert event.value > event.limit >= 120
    assert "has answered nothing for" in event.words


def test_an_endpoint_that_never_answers_is_stalled_too() -> None:
    """Nothing says how long its answers take: it is given five times as long, and longer where answers may be."""
    found = alerts_of([Server("a", slower=lambda at_s: 10_000.0), Server("b")], Load(6000), 1)
    (event,) = [event for event in found if event.rule == "stall" and event.event == "raised"]
    assert (event.subject, event.limit) == ("a", 1000), "a second for each token that it may have"
    assert event.value > 1000


def test_attempts_that_fail_now_and_then_are_no_answers() -> None:
    """As of a server that hangs, whose few requests each fail as their time is up."""
    server = Server("a", slower=lambda at_s: 60.0 if at_s > 30 else 1.0, fails=lambda at_s: at_s > 30)
    found = alerts_of([server, Server("b")], Load(6000), 1)
    assert ("raised", "a") in told(found, "stall")
    assert ("raised", "b") not in told(found, "stall")


def test_an_endpoint_that_is_out_for_long_is_told_and_its_return_too() -> None:
    server = Server("a", out=lambda at_s: 20 < at_s < 50)
    found = alerts_of([server, Server("b")], Load(2000), 1)
    assert told(found, "endpoint_out") == [("raised", "a"), ("cleared", "a")]
    raised, cleared = (event for event in found if event.rule == "endpoint_out")
    assert [round(event.time_ns / SECOND) for event in (raised, cleared)] == [32, 51]
    assert [round(event.since_ns / SECOND) for event in (raised, cleared)] == [20, 50]


def test_an_endpoint_that_is_out_for_a_moment_isnt_told() -> None:
    server = Server("a", out=lambda at_s: 20 < at_s < 25)
    assert not told(alerts_of([server, Server("b")], Load(2000), 1), "endpoint_out")


def test_a_deadline_that_wont_be_met_is_told_only_where_one_is_given() -> None:
    late = Rules(deadline=DeadlineRule(at=datetime.fromtimestamp(OFFSET_NS / 1e9 + 3600, UTC)))
    found = alerts_of([Server("a")], Load(1000), 1, late, left_s=3700)
    (event,) = [event for event in found if event.rule == "deadline"]
    assert (event.event, event.unit, event.subject) == ("raised", "s", "")
    assert event.value > 0
    assert "after the deadline" in event.words
    assert not told(alerts_of([Server("a")], Load(1000), 1, late, left_s=1800), "deadline")
    assert not told(alerts_of([Server("a")], Load(1000), 1, left_s=3700), "deadline")
