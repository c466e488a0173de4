"""What the embedded server takes and what it refuses."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.engines.embedded.api import ApiError, Limits, answer_limit, parse_chat, parse_completion

LIMITS = Limits("tiny", vocabulary_size=100, context_length=32)


def _completion(**fields: Any) -> bytes:
    return orjson.dumps({"model": "tiny", "prompt": "hello", "temperature": 0, **fields})


def _refusal(body: bytes) -> tuple[int, dict[str, Any]]:
    with pytest.raises(ApiError) as caught:
        parse_completion(body, LIMITS)
    return caught.value.status, orjson.loads(caught.value.body())["error"]


def test_defaults_are_those_of_openai() -> None:
    request = parse_completion(b'{"prompt": "hello", "temperature": 0}', LIMITS)
    assert (request.max_tokens, request.stream, request.min_tokens, request.ignore_eos) == (16, False, 0, False)


def test_null_means_absent() -> None:
    assert parse_completion(_completion(max_tokens=None, stream_options=None, stop=None), LIMITS).max_tokens == 16


def test_unknown_fields_are_ignored() -> None:
    parse_completion(_completion(user="someone", seed=7, top_p=0.5, made_up=1), LIMITS)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"temperature": 0.7}, "temperature"),
        ({"temperature": None}, "temperature"),
        ({"prompt": 7}, "prompt.str"),
        ({"prompt": [1, 100]}, "prompt"),
        ({"prompt": [-1]}, "prompt"),
        ({"prompt": ["one", "two"]}, "prompt.str"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": "9"}, "max_tokens"),
        ({"min_tokens": -1}, "min_tokens"),
        ({"stream": "yes"}, "stream"),
        ({"stop_token_ids": [100]}, "stop_token_ids"),
        ({"n": 2}, "n"),
        ({"stop": ["\n"]}, "stop"),
        ({"logprobs": 1}, "logprobs"),
        ({"echo": True}, "echo"),
        ({"presence_penalty": 0.5}, "presence_penalty"),
    ],
)
def test_bad_fields_are_named(fields: dict[str, Any], param: str) -> None:
    status, error = _refusal(_completion(**fields))
    assert (status, error["code"], error["param"], error["type"]) == (400, 400, param, "BadRequestError")
    assert param.split(".")[0] in error["message"]


def test_another_model_is_not_found() -> None:
    status, error = _refusal(_completion(model="large"))
    assert status == 404
    assert "`large` does not exist" in error["message"]


@given(st.binary() | st.recursive(st.none() | st.integers(-9, 9) | st.text(), st.lists).map(orjson.dumps))
def test_any_other_body_is_refused_as_such(body: bytes) -> None:
    assert _refusal(body)[0] == 400


@given(
    st.dictionaries(
        st.sampled_from(["prompt", "max_tokens", "stream", "stream_options", "stop_token_ids", "n", "logit_bias"]),
        st.recursive(
            st.none() | st.booleans() | st.integers(-9, 9) | st.text(),
            lambda s: st.lists(s) | st.dictionaries(st.text(), s),
        ),
    )
)
def test_no_field_ends_in_anything_but_a_request_or_a_refusal(fields: dict[str, Any]) -> None:
    with suppress(ApiError):
        parse_completion(_completion(**fields), LIMITS)


def test_prompt_and_answer_share_the_context() -> None:
    request = parse_completion(_completion(), LIMITS)
    assert answer_limit(request, 16, 16, LIMITS) == 16
    assert answer_limit(request, None, 30, LIMITS) == 2
    for asked, prompt_tokens in ((17, 16), (None, 32), (1, 0)):
        with pytest.raises(ApiError) as caught:
            answer_limit(request, asked, prompt_tokens, LIMITS)
        assert caught.value.status == 400


def test_min_tokens_above_the_limit_is_refused() -> None:
    request = parse_completion(_completion(min_tokens=9), LIMITS)
    with pytest.raises(ApiError, match="min_tokens 9 is above max_tokens 8"):
        answer_limit(request, 8, 4, LIMITS)


def test_a_chat_needs_messages_with_known_roles() -> None:
    parse_chat(b'{"messages": [{"role": "user", "content": "hi"}], "temperature": 0}', LIMITS)
    for messages in ("[]", '[{"role": "robot", "content": "hi"}]', '[{"role": "user"}]'):
        with pytest.raises(ApiError):
            parse_chat(b'{"temperature": 0, "messages": %b}' % messages.encode(), LIMITS)
