"""One endpoint's address, headers and TLS."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import pytest
from pydantic import ValidationError
from tests.certificates import make_certificate

from assay.errors import UserError
from assay.serving.connection import ConnectionOptions, EndpointConnection, FromEnvironment, Reach, base_url, proxy_url
from assay.serving.words import SHOWN, shown


@pytest.mark.parametrize(
    ("url", "host", "port", "models", "health"),
    [
        ("http://gpu1:8000", "gpu1", 8000, "/v1/models", "/health"),
        ("http://gpu1:8000/", "gpu1", 8000, "/v1/models", "/health"),
        (" http://gpu1/v1\n", "gpu1", 80, "/v1/models", "/health"),
        ("http://gpu1/v1/", "gpu1", 80, "/v1/models", "/health"),
        ("https://gpu1/serving/llm", "gpu1", 443, "/serving/llm/v1/models", "/serving/llm/health"),
        ("https://gpu1/serving/llm/v1", "gpu1", 443, "/serving/llm/v1/models", "/serving/llm/health"),
        ("https://gpu1/llm/v1/chat/completions", "gpu1", 443, "/llm/v1/models", "/llm/health"),
        ("https://gpu1/v1/completions/", "gpu1", 443, "/v1/models", "/health"),
        ("https://gpu1/chat", "gpu1", 443, "/chat/v1/models", "/chat/health"),
        ("http://[::1]:9", "::1", 9, "/v1/models", "/health"),
    ],
)
def test_paths_lie_below_the_base_path(url: str, host: str, port: int, models: str, health: str) -> None:
    made = EndpointConnection(url=url)
    assert (made.host, made.port) == (host, port)
    assert (made.api("/models"), made.target("/health")) == (models, health)
    assert EndpointConnection(url=made.url) == made


def test_an_api_can_have_another_root() -> None:
    made = EndpointConnection(url="https://h/v1beta/openai", api_root="")
    assert made.api("/chat/completions") == "/v1beta/openai/chat/completions"
    assert EndpointConnection(url="http://h", api_root="api/v3/").api("/models") == "/api/v3/models"


@pytest.mark.parametrize(
    "url",
    [
        "gpu1:8000",
        "ftp://gpu1",
        "http://",
        "http://me:pw@gpu1",
        "http://me:pw@gpu1:99999",
        "http://gpu1/?a=1",
        "http://gpu1:port",
        "http://[::1",
        "http://gpu1/a b",
        "http://gpu1/\r\nX: y",
    ],
)
def test_bad_urls_are_explained(url: str) -> None:
    with pytest.raises(ValidationError) as raised:
        EndpointConnection(url=url)
    assert "pw" not in raised.value.errors()[0]["msg"]


@pytest.mark.parametrize("headers", [{"a": "b\r\nc: d"}, {"a:b": "c"}, {"": "c"}, {"host": "x"}, {"a": "ü"}])
def test_headers_that_cant_be_sent_are_refused(headers: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="header"):
        EndpointConnection(url="http://gpu1", headers=headers)


@pytest.mark.parametrize(
    "name", ["Authorization", "api-key", "X-Api-Key", "Cookie", "x_auth_token", "X-Auth", "x-password"]
)
def test_a_secret_isnt_taken_where_it_would_be_written_down(name: str) -> None:
    with pytest.raises(ValidationError, match=f"{name}: {{env: VARIABLE}}"):
        EndpointConnection(url="http://gpu1", headers={name: "s3cret"})
    EndpointConnection(url="http://gpu1", headers={name: FromEnvironment(env="KEY")})


def test_a_bearer_token_is_a_secret_under_any_name() -> None:
    with pytest.raises(ValidationError, match="looks like a secret"):
        EndpointConnection(url="http://gpu1", headers={"x-upstream": "Bearer s3cret"})


def test_a_secret_that_was_sent_is_never_shown_though_the_server_repeats_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENDPOINT_KEY", "Bearer key-of-the-endpoint")
    monkeypatch.setenv("GATEWAY", "gateway-password\n")
    headers = {"x-gateway": FromEnvironment(env="GATEWAY")}
    EndpointConnection(url="http://gpu1", api_key_env="ENDPOINT_KEY", headers=headers).head("GET", "/")
    cut = b"." * (SHOWN - 8)  # the first half of the secret alone would be within the cut
    for words in (b"bad key key-of-the-endpoint", cut + b"key-of-the-endpoint", b"no gateway-password here"):
        assert "key-of" not in shown(words)
        assert "password" not in shown(words)
    assert shown(b"bad key key-of-the-endpoint") == "bad key (secret)"


def test_a_servers_words_are_its_own_but_for_what_no_message_can_hold() -> None:
    said = """This model's maximum is "8", see C:\\doc, größer"""
    assert shown(said.encode()) == said
    assert shown(b"one\ntwo\x1b[0m\xff") == "one\\ntwo\\x1b[0m\\xff"


@pytest.mark.parametrize(
    ("value", "remark"),
    [
        ("K", None),
        ("K\n", "whitespace"),
        ("  K ", "whitespace"),
        ("Bearer K", "'Bearer'"),
        ("bearer Bearer K\n", "'Bearer'"),
    ],
)
def test_the_key_is_sent_once_and_mended_with_a_word(
    monkeypatch: pytest.MonkeyPatch, value: str, remark: str | None
) -> None:
    monkeypatch.setenv("ENDPOINT_KEY", value)
    made = EndpointConnection(url="http://gpu1", api_key_env="ENDPOINT_KEY")
    assert "Authorization: Bearer K" in made.head("POST", "/x")
    assert (remark is None) == (made.remarks() == [])
    if remark is not None:
        assert remark in " ".join(made.remarks())


@pytest.mark.parametrize("value", ["", "  ", "K\nX-Other: 1", "Basic dXNlcg==", "schlüssel"])
def test_a_value_that_is_no_key_is_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("ENDPOINT_KEY", value)
    made = EndpointConnection(url="http://gpu1", api_key_env="ENDPOINT_KEY")
    with pytest.raises(UserError, match="ENDPOINT_KEY") as raised:
        made.head("POST", "/x")
    assert not value.strip() or value.strip() not in str(raised.value)


def test_headers_take_values_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    made = EndpointConnection(url="http://gpu1", headers={"api-key": FromEnvironment(env="ENDPOINT_KEY"), "x-a": "b"})
    with pytest.raises(UserError, match=r"ENDPOINT_KEY.*not set"):
        made.head("GET", "/")
    monkeypatch.setenv("ENDPOINT_KEY", "Basic abc\n")
    assert {"api-key: Basic abc", "x-a: b"} <= set(made.head("GET", "/"))
    assert "abc" not in made.model_dump_json()


def test_verification_is_left_out_only_when_asked_and_noted(tmp_path: Path) -> None:
    verified, open_ = (EndpointConnection(url="https://gpu1", verify_tls=verify) for verify in (True, False))
    assert verified.remarks() == []
    assert "not verified" in open_.remarks()[0]
    context, lax = verified.ssl_context(), open_.ssl_context()
    assert context is not None
    assert lax is not None
    assert (context.verify_mode, lax.verify_mode) == (ssl.CERT_REQUIRED, ssl.CERT_NONE)
    assert EndpointConnection(url="http://gpu1", verify_tls=False).remarks() == []
    with pytest.raises(UserError, match="CA file"):
        EndpointConnection(url="https://gpu1", ca_file=tmp_path / "none.pem").ssl_context()


def test_endpoints_that_are_trusted_alike_share_what_was_read(tmp_path: Path) -> None:
    ca, _ = make_certificate(tmp_path)
    made = [EndpointConnection(url=f"https://gpu{number}", ca_file=ca) for number in range(3)]
    first, *others = [one.ssl_context() for one in made]
    assert all(other is first for other in others)
    assert EndpointConnection(url="https://gpu1").ssl_context() is not first
    assert EndpointConnection(url="https://gpu1", ca_file=ca, verify_tls=False).ssl_context() is not first
    os.utime(ca, ns=(1, 1))  # another file by the same name
    assert made[0].ssl_context() is not first


@pytest.mark.parametrize("url", ["https://proxy:8080", "http://proxy:8080/path", "proxy:8080", "http://u:p@proxy:8080"])
def test_what_is_no_proxy_is_refused_without_its_secret(url: str) -> None:
    with pytest.raises(ValidationError) as raised:
        ConnectionOptions(proxy=url)
    said = str(raised.value.errors(include_input=False, include_url=False))
    assert "u:p@" not in said
    assert ConnectionOptions(proxy="http://proxy:8080/").connection("http://h", Reach()).proxy == "http://proxy:8080"


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("127.0.0.1:42300", "http://127.0.0.1:42300"),
        ("gpu1:8000/llm/v1", "http://gpu1:8000/llm"),
        ("localhost", "http://localhost"),
    ],
)
def test_a_url_without_its_scheme_is_offered_with_it(url: str, meant: str) -> None:
    with pytest.raises(ValueError, match=f"did you mean {meant}\\?"):
        base_url(url)


@pytest.mark.parametrize("url", ["ftp://gpu1", "http:/gpu1:8000", "a b", "http://"])
def test_nothing_is_offered_where_nobody_can_tell_what_was_meant(url: str) -> None:
    with pytest.raises(ValueError, match="write http://HOST:PORT") as caught:
        base_url(url)
    assert "did you mean" not in str(caught.value)


@pytest.mark.parametrize("url", ["socks5://a", "https://a:1", "http://a:1/path", "proxy:3128", "http://"])
def test_a_proxy_is_not_called_an_endpoint(url: str) -> None:
    with pytest.raises(ValueError, match=r"is no proxy that can be used: write http://HOST:PORT") as caught:
        proxy_url(url)
    assert "/v1" not in str(caught.value)
