"""Conversations with places for the answers that a server will give."""

from __future__ import annotations

from assay.datasets.live import with_places
from assay.datasets.model import Message, Sample


def user(text: str) -> Message:
    return Message("user", text)


def said(text: str) -> Message:
    return Message("assistant", text)


def place(turn: int) -> str:
    return f"<{turn}>"


def test_recorded_answers_become_places() -> None:
    system = Message("system", "be brief")
    first = (system, user("one?"))
    second = (*first, said("1"), user("two?"))
    third = (*second, said("2"), user("and"), user("three?"))
    samples = [Sample(index=i, messages=messages, session="a") for i, messages in enumerate((first, second, third))]
    found = with_places(samples, place)
    assert found[0].messages == first
    assert found[1].messages == (*first, said("<0>"), user("two?"))
    assert found[2].messages == (*first, said("<0>"), user("two?"), said("<1>"), user("and"), user("three?"))


def test_turns_without_a_history_get_one() -> None:
    samples = [
        Sample(index=0, prompt="one?", session="a"),
        Sample(index=1, prompt="alone?"),
        Sample(index=2, prompt="hi?", session="b"),
        Sample(index=3, prompt="two?", session="a"),
    ]
    found = with_places(samples, place)
    assert found[1].messages == (user("alone?"),)
    assert found[2].messages == (user("hi?"),)
    assert found[3].messages == (user("one?"), said("<0>"), user("two?"))
    assert all(sample.prompt is None for sample in found)


def test_examples_before_the_first_question_stay() -> None:
    shots = (user("2+2?"), said("4"), user("3+3?"))
    samples = [
        Sample(index=0, messages=shots, session="a"),
        Sample(index=1, messages=(*shots, said("6"), user("4+4?")), session="a"),
    ]
    assert with_places(samples, place)[1].messages == (*shots, said("<0>"), user("4+4?"))
