"""The bodies of requests."""

from __future__ import annotations

import json

import pytest

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


def test_body_of_a_chat() -> None:
    body = json.loads(completion_body("m", "hello", 5, chat=True, stream=False, return_token_ids=False))
    assert body["messages"] == [{"role": "user", "content": "hello"}]
    assert not {"prompt", "stream_options", "return_token_ids", "min_tokens", "ignore_eos"} & set(body)
    with pytest.raises(UserError):
        completion_body("m", [1], 5, chat=True)
