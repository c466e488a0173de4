"""The bodies of requests."""

from __future__ import annotations

import json

import pytest

from assay.benchmarks import Sampling
from assay.errors import UserError
from assay.load.encoders import completion_body


def test_body_of_a_completion() -> None:
    body = completion_body("m", [1, 2], 128, min_tokens=1, ignore_eos=True, extra={"temperature": 0.5, "user": "u"})
    assert json.loads(body) == {
        "model": "m",
        "prompt": [1, 2],
        "max_tokens": 128,
        "min_tokens": 1,
        "ignore_eos": True,
        "temperature": 0.5,
        "stream": True,
        "stream_options": {"include_usage": True},
        "return_token_ids": True,
        "user": "u",
    }


def test_tokens_are_drawn_where_that_is_asked_for_and_the_users_fields_win() -> None:
    drawn = Sampling(temperature=1.0, top_p=0.9)
    assert json.loads(completion_body("m", "a", 1))["temperature"] == 0
    body = json.loads(completion_body("m", "a", 1, sampling=drawn))
    assert (body["temperature"], body["top_p"]) == (1.0, 0.9)
    assert json.loads(completion_body("m", "a", 1, sampling=drawn, extra={"top_p": 0.5}))["top_p"] == 0.5


def test_body_of_a_chat() -> None:
    body = json.loads(completion_body("m", "hello", 5, chat=True, stream=False, return_token_ids=False))
    assert body["messages"] == [{"role": "user", "content": "hello"}]
    assert not {"prompt", "stream_options", "return_token_ids", "min_tokens", "ignore_eos"} & set(body)
    with pytest.raises(UserError):
        completion_body("m", [1], 5, chat=True)
