"""Settings of an endpoint and the bodies of requests."""

from __future__ import annotations

import json

import pytest

from assay.errors import UserError
from assay.load.transport import EndpointSettings, completion_body


@pytest.mark.parametrize(
    ("url", "host", "port", "target"),
    [
        ("http://gpu1:8000", "gpu1", 8000, "/v1/completions"),
        ("http://gpu1:8000/", "gpu1", 8000, "/v1/completions"),
        ("http://gpu1/v1", "gpu1", 80, "/v1/completions"),
        ("https://gpu1/llama", "gpu1", 443, "/llama/v1/completions"),
        ("http://[::1]:9", "::1", 9, "/v1/completions"),
    ],
)
def test_urls(url: str, host: str, port: int, target: str) -> None:
    settings = EndpointSettings(url)
    assert (settings.host, settings.port, settings.target) == (host, port, target)
    assert settings.request_head().startswith(f"POST {target} HTTP/1.1\r\nHost: ".encode())


@pytest.mark.parametrize("url", ["gpu1:8000", "ftp://gpu1", "http://", "http://me:pw@gpu1", "http://gpu1/?a=1"])
def test_bad_urls_are_explained(url: str) -> None:
    with pytest.raises(UserError) as raised:
        EndpointSettings(url)
    assert "pw" not in str(raised.value)


@pytest.mark.parametrize("header", [{"a": "b\r\nc: d"}, {"a:b": "c"}, {"": "c"}, {"Authorization": "x"}, {"host": "x"}])
def test_bad_headers_are_refused(header: dict[str, str]) -> None:
    with pytest.raises(UserError):
        EndpointSettings("http://gpu1", headers=header)


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
