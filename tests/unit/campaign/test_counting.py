"""Prompts' tokens by the served model's word: /tokenize where there is one, else what it says it used."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from assay.benchmarks import get_benchmark
from assay.campaign.counting import ServerCounter
from assay.campaign.kept_counts import KeepingCounter, KeptCounts
from assay.config import DatasetConfig
from assay.datasets import CannotCountError, Dataset, load_dataset
from assay.datasets.lengths import TokenCounter
from assay.serving.connection import EndpointConnection

SMOL = get_benchmark("smollm2-135m")
AROUND = 3
Reply = Callable[[str, dict[str, Any]], Any]


def tokens(text: str) -> list[int]:
    return [7] * (AROUND + len(text.split()))


def vllm(path: str, asked: dict[str, Any]) -> Any:
    """Tokenises prompts and messages, as vLLM and SGLang do."""
    if path != "/base/tokenize" or asked.get("model") != "m":
        return None
    text = asked["messages"][0]["content"] if "messages" in asked else asked.get("prompt")
    return {"count": len(tokens(text)), "tokens": tokens(text)} if text else None


def llama_cpp(path: str, asked: dict[str, Any]) -> Any:
    return {"tokens": tokens(asked["content"]) if "content" in asked else []} if path == "/base/tokenize" else None


def usage_only(path: str, asked: dict[str, Any]) -> Any:
    if path not in ("/base/v1/completions", "/base/v1/chat/completions") or asked["max_tokens"] != 1 or asked["stream"]:
        return None
    text = asked["messages"][0]["content"] if "messages" in asked else asked["prompt"]
    return {"choices": [], "usage": {"prompt_tokens": len(tokens(text))}}


@contextmanager
def served(reply: Reply, seen: list[str], words: str = "no such thing here") -> Iterator[EndpointConnection]:
    """A server below /base that answers 404 and `words` where `reply` has nothing; `seen` gets the paths."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(self.path)
            found = reply(self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            body = json.dumps(found or {"error": words}).encode()
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield EndpointConnection(url=f"http://127.0.0.1:{server.server_port}/base")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def made(counter: TokenCounter) -> Dataset:
    return load_dataset(SMOL, DatasetConfig(samples=4, synthetic={"input": 60, "output": 5}), counter)


@pytest.mark.parametrize(("reply", "chat"), [(vllm, False), (vllm, True), (llama_cpp, False)])
def test_tokenize_makes_lengths_exact(reply: Reply, chat: bool) -> None:
    seen: list[str] = []
    with served(reply, seen) as connection:
        dataset = made(ServerCounter(connection, "m", "chat" if chat else "auto"))
    assert [len(tokens(sample.prompt or "")) for sample in dataset.samples] == [60] * 4
    assert dataset.note == "prompt lengths are exact: every prompt was counted by the server's /tokenize"
    assert set(seen) == {"/base/tokenize"}


@pytest.mark.parametrize(("chat", "path"), [(False, "/base/v1/completions"), (True, "/base/v1/chat/completions")])
def test_usage_calibrates_by_a_few_requests(chat: bool, path: str) -> None:
    seen: list[str] = []
    with served(usage_only, seen) as connection:
        dataset = made(ServerCounter(connection, "m", "chat" if chat else "auto"))
    assert [len(tokens(sample.prompt or "")) for sample in dataset.samples] == [60] * 4
    assert dataset.note.startswith("prompt lengths are calibrated by the usage that the server reports (6 texts)")
    assert seen.count(path) == 7  # one to learn that it tells


def test_a_server_that_doesnt_tell_gives_words_and_its_reasons() -> None:
    with served(lambda path, asked: {"choices": []} if "completions" in path else None, []) as connection:
        note = made(ServerCounter(connection, "m")).note
    assert note.startswith("prompt lengths are in words: the server tells no token counts (POST http://127.0.0.1:")
    assert "/base/tokenize answers 404: " in note
    assert "no such thing here" in note
    assert "the usage that the server reports: not in the reply" in note


@pytest.mark.parametrize("said", ["many", 1e300, None, True, [3], 2.5])
def test_a_count_that_is_no_number_is_no_count(said: Any) -> None:
    def odd(path: str, asked: dict[str, Any]) -> Any:
        return {"choices": [], "usage": {"prompt_tokens": said}} if "completions" in path else None

    with served(odd, []) as connection:
        assert made(ServerCounter(connection, "m")).note.startswith("prompt lengths are in words: ")


def test_a_servers_long_refusal_is_shortened() -> None:
    with served(lambda path, asked: None, [], words="no " * 500) as connection:
        note = made(ServerCounter(connection, "m")).note
    reasons = note[note.index("(") + 1 : -1].split("; ")
    assert len(reasons) == 3
    assert all("no no" in reason and len(reason) <= 201 for reason in reasons)


def test_a_server_that_stops_telling_is_named() -> None:
    told = iter([{"tokens": [1, 2]}])
    with served(lambda path, asked: next(told, None), []) as connection:
        counter = ServerCounter(connection, "m")
        assert counter.exact
        with pytest.raises(CannotCountError, match=r"the server's /tokenize didn't give all counts: .* answers 404"):
            counter.count_tokens(["a"])


def kept_by(reply: Reply) -> tuple[Dataset, KeptCounts]:
    kept = KeptCounts()
    with served(reply, []) as connection:
        return made(KeepingCounter(ServerCounter(connection, "m"), kept)), kept


def refuses(*_: Any) -> Any:
    raise AssertionError("asked again")


@pytest.mark.parametrize("reply", [vllm, usage_only, lambda path, asked: None])
def test_what_a_server_said_is_said_again_without_it(reply: Reply, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset, kept = kept_by(reply)
    monkeypatch.setattr(ServerCounter, "_counts", refuses)
    again = KeptCounts.model_validate_json(kept.model_dump_json())
    gone = ServerCounter(EndpointConnection(url="http://127.0.0.1:9"), "m")
    same = made(KeepingCounter(gone, again))
    assert (same.sha256, same.note) == (dataset.sha256, dataset.note)
    assert again == kept


def test_nothing_is_asked_before_a_length_is_wanted() -> None:
    seen: list[str] = []
    with served(vllm, seen) as connection:
        ServerCounter(connection, "m")
        load_dataset(SMOL, DatasetConfig(samples=1), ServerCounter(connection, "m"))
    assert seen == []


def test_a_server_that_only_chats_is_asked_so_unless_told() -> None:
    def chat_only(path: str, asked: dict[str, Any]) -> Any:
        return usage_only(path, asked) if path.endswith("/chat/completions") else None

    seen: list[str] = []
    with served(chat_only, seen) as connection:
        dataset = made(ServerCounter(connection, "m"))
    assert [len(tokens(sample.prompt or "")) for sample in dataset.samples] == [60] * 4
    assert seen[-1] == "/base/v1/chat/completions"
