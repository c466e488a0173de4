"""Answers put into the bodies of later turns."""

from __future__ import annotations

import orjson
from hypothesis import given
from hypothesis import strategies as st

from assay.load.history import placeholder, with_answers

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ue000"))


@given(answers=st.lists(TEXTS, min_size=1, max_size=12))
def test_any_answer_comes_through_as_it_is(answers: list[str]) -> None:
    messages = [{"role": "assistant", "content": placeholder(turn)} for turn in range(len(answers))]
    prompt = " | ".join(placeholder(turn) for turn in range(len(answers)))
    found = orjson.loads(with_answers(orjson.dumps({"messages": messages, "prompt": prompt}), orjson.dumps(answers)))
    assert [message["content"] for message in found["messages"]] == answers
    assert found["prompt"] == " | ".join(answers)


def test_the_turns_are_told_apart() -> None:
    body = orjson.dumps({"prompt": placeholder(1) + placeholder(11)})
    answers = [str(number) for number in range(12)]
    assert orjson.loads(with_answers(body, orjson.dumps(answers))) == {"prompt": "111"}
