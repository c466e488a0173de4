"""When a rate is below another: by more than the limit and by more than chance, and only where the work is the same."""

from __future__ import annotations

from itertools import pairwise

from tests.courses import SECOND, Load, Server, alerts_of, course

from assay.alerts.blocks import Block, Blocks, Part
from assay.alerts.options import ShareRule
from assay.alerts.rates import Before, Peers
from assay.alerts.readings import About, Reading
from assay.runs.progress import ProgressEvent

RULE = ShareRule(limit=0.3, margin=0.1, for_s=0)
A, B = About("node-a", "a"), About("node-b", "b")


def part(answers: int, *, tokens: int = 50, in_flight: float = 8, looks: int = 10_000) -> Part:
    return Part(
        answers=answers, input_tokens=100 * answers, output_tokens=tokens * answers,
        exposure_ns=in_flight * 100 * SECOND, in_flight_seen=looks,
    )  # fmt: skip


def block(**parts: Part) -> Block:
    return Block(0, 100 * SECOND, parts)


def peers(a: Part, b: Part) -> Reading:
    return next(reading for reading in Peers([[A, B]]).judge(block(a=a, b=b), RULE) if reading.about == A)


def test_few_answers_are_no_rate_that_is_below_and_many_are() -> None:
    few, many = peers(part(60), part(100)), peers(part(600), part(1000))
    assert few.value == many.value == 0.4
    assert (few.bad, few.good) == (False, False)
    assert (many.bad, many.good) == (True, False)


def test_few_looks_at_what_is_in_flight_leave_it_open_too() -> None:
    assert not peers(part(600, looks=20), part(1000, looks=20)).bad


def test_a_sure_difference_within_the_limit_is_none() -> None:
    reading = peers(part(8500), part(10_000))
    assert (reading.bad, reading.good) == (False, True)
    assert not peers(part(7500), part(10_000)).good  # within the margin: what is raised stays


def test_fewer_requests_in_flight_make_a_lower_rate_due_and_more_dont_make_a_higher_one_due() -> None:
    assert not peers(part(500, in_flight=4), part(1000, in_flight=8)).bad
    assert peers(part(500, in_flight=16), part(1000, in_flight=8)).value == 0.5


def test_of_an_endpoint_without_answers_all_is_missing() -> None:
    reading = peers(part(0), part(1000))
    assert (reading.value, reading.bad) == (1.0, True)


def before(*parts: Part) -> list[Reading]:
    judge = Before({"a": A})
    return [reading for one in parts for reading in judge.judge(block(a=one), RULE)]


def test_its_own_past_is_the_norm_once_there_are_three_blocks() -> None:
    assert before(part(1000), part(1000), part(500)) == []
    (reading,) = before(part(1000), part(1000), part(1000), part(500))
    assert (reading.value, reading.bad) == (0.5, True)


def test_answers_of_another_length_are_other_work() -> None:
    usual = [part(1000)] * 3
    assert before(*usual, part(250, tokens=100)) == []
    assert before(*usual, part(1000, tokens=25)) == []


def test_a_slow_time_never_becomes_the_norm() -> None:
    readings = before(*[part(1000)] * 3, *[part(500)] * 20)
    assert [reading.bad for reading in readings] == [True] * 20
    server = Server("a", slower=lambda at_s: 2.0 if at_s > 150 else 1.0)
    found = alerts_of([server], Load(8000, rate=11, sigma=0.3), 1, most_s=900)
    assert [(event.rule, event.event) for event in found] == [("slower_than_before", "raised")]


def blocks_of(servers: list[Server], load: Load) -> list[tuple[ProgressEvent, Block]]:
    blocks, events = Blocks(), (event for event in course(servers, load, 1) if isinstance(event, ProgressEvent))
    return [(event, ended) for event in events if (ended := blocks.take(event)) is not None]


def test_blocks_hold_enough_and_none_is_made_of_the_last_answers() -> None:
    found = blocks_of([Server("a"), Server("b")], Load(3000))
    assert len(found) >= 5
    assert all(event.phase == "load" for event, _ in found)
    assert all(one.answers >= 150 and one.in_flight_seen >= 100 for _, b in found for one in b.parts.values())
    assert all(ended.begin_ns >= earlier.end_ns for (_, earlier), (_, ended) in pairwise(found))
    drained = Blocks()
    for event in course([Server("a")], Load(3000), 1):
        if isinstance(event, ProgressEvent):
            assert drained.take(event.model_copy(update={"phase": "drain"})) is None


def test_who_was_out_isnt_judged_in_that_block() -> None:
    found = blocks_of([Server("a"), Server("b", out=lambda at_s: 3 < at_s < 6)], Load(3000))
    assert set(found[0][1].parts) == {"a"}
    assert set(found[-1][1].parts) == {"a", "b"}
