"""The embedded server as its clients meet it: a process with a port. Served in f32, where tokens can be compared."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from tests.paths import shared_data

from assay.engines.embedded import ModelFiles, ensure_model, server_command
from assay.engines.embedded.cpu import has_bf16
from assay.engines.embedded.options import ComputeOptions, Precision
from assay.engines.embedded.vocabulary import Vocabulary
from assay.errors import UserError

pytestmark = pytest.mark.engine

EOS = 2
_START_S = 240


@dataclass
class Server:
    """A running server and a client for it."""

    process: subprocess.Popen[bytes]
    client: httpx.Client
    log: Path

    @property
    def engine(self) -> psutil.Process:
        (child,) = psutil.Process(self.process.pid).children()
        return child

    def complete(self, prompt: str | list[int], **fields: Any) -> dict[str, Any]:
        body = {"prompt": prompt, "temperature": 0, "return_token_ids": True, "max_tokens": 24, **fields}
        answer = self.client.post("/v1/completions", json=body)
        assert answer.status_code == 200, answer.text
        whole: dict[str, Any] = answer.json()
        return whole

    def ids(self, prompt: str | list[int], **fields: Any) -> list[int]:
        ids: list[int] = self.complete(prompt, **fields)["choices"][0]["token_ids"]
        return ids

    def stream(self, path: str = "/v1/completions", **fields: Any) -> list[dict[str, Any]]:
        body = {"temperature": 0, "return_token_ids": True, "max_tokens": 24, "stream": True, **fields}
        with self.client.stream("POST", path, json=body) as answer:
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/event-stream")
            events = [line.removeprefix("data: ") for line in answer.iter_lines() if line]
        assert events.pop() == "[DONE]"
        return [json.loads(event) for event in events]

    def metrics(self) -> dict[str, float]:
        lines = self.client.get("/metrics").text.splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {name.replace('model_name="smollm2-135m"', ""): float(value) for name, value in pairs}

    def wait(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline, "the condition didn't come true"
            time.sleep(0.05)


def command_for(port_file: Path, options: ComputeOptions) -> list[str]:
    return [*server_command(sys.executable, "127.0.0.1", "0", options), "--port-file", str(port_file)]


@contextmanager
def running(folder: Path, precision: Precision = "f32", cores: str | None = None) -> Iterator[Server]:
    port_file, log = folder / "port", folder / "server.log"
    command = command_for(port_file, ComputeOptions(precision, cache_gb=1))
    if cores is not None:
        command = ["taskset", "-c", cores, *command]
    with log.open("wb") as file:
        process = subprocess.Popen(command, stderr=file)
    try:
        deadline = time.monotonic() + _START_S
        while not port_file.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert port_file.exists(), log.read_text()
        with httpx.Client(base_url=f"http://127.0.0.1:{int(port_file.read_text())}", timeout=120) as client:
            while client.get("/health").status_code != 200:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
            yield Server(process, client, log)
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def files() -> ModelFiles:
    if importlib.util.find_spec("openvino_genai") is None:
        pytest.skip("openvino-genai isn't installed")
    try:
        return ensure_model()
    except UserError as error:
        pytest.skip(f"no model: {error}")


@pytest.fixture(scope="module")
def server(files: ModelFiles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server")) as started:
        yield started


@pytest.fixture(scope="module")
def articles() -> list[str]:
    bundled = resources.files("assay.datasets").joinpath("bundled/articles.jsonl")
    lines = bundled.read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["article"][:600] for line in lines]


def test_the_model_is_named(server: Server) -> None:
    (model,) = server.client.get("/v1/models").json()["data"]
    assert (model["id"], model["max_model_len"]) == ("smollm2-135m", 8192)


def test_the_version_names_what_matters(server: Server) -> None:
    version = server.client.get("/version").json()
    assert (version["engine"], version["precision"], version["prefix_caching"]) == ("openvino-genai", "f32", False)
    assert version["engine_version"]


def test_streamed_or_whole_the_answer_is_the_same(server: Server, articles: list[str]) -> None:
    whole = server.complete(articles[0])
    *chunks, last = server.stream(prompt=articles[0], stream_options={"include_usage": True})
    choices = [chunk["choices"][0] for chunk in chunks]
    assert [token for choice in choices for token in choice["token_ids"]] == whole["choices"][0]["token_ids"]
    assert "".join(choice["text"] for choice in choices) == whole["choices"][0]["text"]
    assert choices[-1]["finish_reason"] == whole["choices"][0]["finish_reason"]
    assert all(choice["finish_reason"] is None for choice in choices[:-1])
    assert last["choices"] == []
    assert last["usage"] == whole["usage"]


def test_the_first_chunk_carries_the_prompt(server: Server, files: ModelFiles) -> None:
    ids = Vocabulary(files.tokenizer_json).encode("One, two, three,")
    chunks = server.stream(prompt="One, two, three,", max_tokens=4)
    assert chunks[0]["choices"][0]["prompt_token_ids"] == ids
    assert all(chunk["choices"][0]["prompt_token_ids"] is None for chunk in chunks[1:])


def test_token_ids_are_sent_only_when_asked_for(server: Server) -> None:
    choice = server.complete("Hello", return_token_ids=False)["choices"][0]
    assert "token_ids" not in choice
    assert "prompt_token_ids" not in choice


def test_a_prompt_of_ids_is_the_same_as_its_text(server: Server, files: ModelFiles, articles: list[str]) -> None:
    ids = Vocabulary(files.tokenizer_json).encode(articles[1])
    by_text, by_ids = server.complete(articles[1]), server.complete(ids)
    assert by_ids["choices"][0]["token_ids"] == by_text["choices"][0]["token_ids"]
    assert by_ids["usage"] == by_text["usage"]
    assert by_ids["usage"]["prompt_tokens"] == len(ids)


def test_usage_counts_the_tokens_sent(server: Server, articles: list[str]) -> None:
    answer = server.complete(articles[2], max_tokens=9, ignore_eos=True)
    usage, choice = answer["usage"], answer["choices"][0]
    assert usage["completion_tokens"] == len(choice["token_ids"]) == 9
    assert usage["total_tokens"] == usage["prompt_tokens"] + 9
    assert choice["finish_reason"] == "length"


def _chat(text: str) -> str:
    return f"<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n"


def test_the_end_of_sentence_is_counted_and_not_shown(server: Server) -> None:
    choice = server.complete(_chat("Say hi."), max_tokens=60)["choices"][0]
    assert choice["finish_reason"] == "stop"
    assert choice["stop_reason"] is None
    assert choice["token_ids"][-1] == EOS
    assert "<|im_end|>" not in choice["text"]


def test_ignoring_it_goes_on(server: Server) -> None:
    short = server.ids(_chat("Say hi."), max_tokens=60)
    longer = server.ids(_chat("Say hi."), max_tokens=60, ignore_eos=True)
    assert longer[: len(short)] == short
    assert len(longer) == 60 > len(short)


def test_no_end_before_min_tokens(server: Server) -> None:
    short = server.ids(_chat("Say hi."), max_tokens=60)
    at_least = len(short) + 5
    longer = server.ids(_chat("Say hi."), max_tokens=60, min_tokens=at_least)
    assert len(longer) >= at_least
    assert EOS not in longer[:at_least]


@pytest.mark.parametrize("ignore_eos", [False, True])
def test_stop_tokens_stop(server: Server, ignore_eos: bool) -> None:
    ids = server.ids(_chat("Say hi."))
    stop = next(token for place, token in enumerate(ids) if place >= 3 and token not in ids[:place])
    answer = server.complete(_chat("Say hi."), stop_token_ids=[stop], ignore_eos=ignore_eos)["choices"][0]
    assert answer["token_ids"] == ids[: ids.index(stop) + 1]
    assert (answer["finish_reason"], answer["stop_reason"]) == ("stop", stop)


def test_a_chat_is_the_template_completed(server: Server, files: ModelFiles) -> None:
    fields = {"messages": [{"role": "user", "content": "Say hi."}], "max_tokens": 60, "temperature": 0}
    whole = server.client.post("/v1/chat/completions", json=fields | {"return_token_ids": True}).json()
    assert whole["choices"][0]["finish_reason"] == "stop"
    prompt = whole["prompt_token_ids"]
    assert server.ids(prompt, max_tokens=60) == whole["choices"][0]["token_ids"]
    opening, *chunks = server.stream("/v1/chat/completions", **fields)
    assert opening["choices"][0]["delta"]["role"] == "assistant"
    text = "".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks)
    assert text == whole["choices"][0]["message"]["content"]


def test_eight_at_once_answer_as_one_alone(server: Server, articles: list[str]) -> None:
    alone = [server.ids(article) for article in articles[:8]]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(server.ids, articles[:8]))
    assert together == alone
    assert len({tuple(ids) for ids in alone}) > 1


def test_metrics_count_what_was_done(server: Server) -> None:
    before = server.metrics()
    answer = server.complete("One, two, three,", max_tokens=5, ignore_eos=True)
    after = server.metrics()
    moved = {name: after[name] - before[name] for name in after if name.split("{")[0].endswith("_total")}
    assert moved["vllm:prompt_tokens_total{}"] == answer["usage"]["prompt_tokens"]
    assert moved["vllm:generation_tokens_total{}"] == 5
    assert moved['vllm:request_success_total{finished_reason="length",}'] == 1


def test_a_client_that_leaves_frees_its_place(server: Server) -> None:
    before = server.metrics()['vllm:request_success_total{finished_reason="abort",}']
    body = {"prompt": "Once", "temperature": 0, "max_tokens": 8000, "ignore_eos": True, "stream": True}
    with server.client.stream("POST", "/v1/completions", json=body) as answer:
        next(answer.iter_lines())
        server.wait(lambda: server.metrics()["vllm:num_requests_running{}"] == 1)
        server.wait(lambda: server.metrics()["vllm:kv_cache_usage_perc{}"] > 0)
    server.wait(lambda: server.metrics()["vllm:num_requests_running{}"] == 0)
    after = server.metrics()
    assert after["vllm:kv_cache_usage_perc{}"] == 0
    assert after['vllm:request_success_total{finished_reason="abort",}'] == before + 1


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/v1/completions", b"{", 400),
        ("POST", "/v1/completions", b'{"prompt": "x"}', 400),
        ("POST", "/v1/completions", b'{"prompt": "x", "temperature": 0, "model": "other"}', 404),
        ("POST", "/v1/completions", b'{"prompt": "", "temperature": 0}', 400),
        ("POST", "/v1/completions", b'{"prompt": "x", "temperature": 0, "max_tokens": 8192}', 400),
        ("POST", "/v1/completions", b'{"prompt": [49152], "temperature": 0}', 400),
        ("GET", "/v1/completions", b"", 405),
        ("GET", "/nowhere", b"", 404),
    ],
)
def test_refusals_are_openai_errors(server: Server, method: str, path: str, body: bytes, status: int) -> None:
    answer = server.client.request(method, path, content=body)
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == status


def test_recorded_reference_is_reproduced(server: Server) -> None:
    """The three shortest real articles, answered as by Transformers in float32."""
    reference = json.loads((Path(__file__).parents[2] / "reference" / "smollm2_transformers_f32.json").read_bytes())
    entries = json.loads((shared_data() / "cnn_dailymail_30.json").read_bytes())
    shortest = sorted(range(len(entries)), key=lambda index: len(entries[index]["input"]))[:3]
    for index in shortest:
        body = {"messages": [{"role": "user", "content": entries[index]["input"]}], "max_tokens": 32, "temperature": 0}
        answer = server.client.post("/v1/chat/completions", json=body | {"return_token_ids": True}).json()
        assert answer["usage"]["prompt_tokens"] == reference["samples"][index]["prompt_tokens"]
        assert answer["choices"][0]["token_ids"] == reference["samples"][index]["token_ids"][:32]


def test_a_killed_engine_fails_its_requests_and_ends_the_server(files: ModelFiles, tmp_path: Path) -> None:
    with running(tmp_path, "auto") as server:
        precision = "bf16" if has_bf16() and len(os.sched_getaffinity(0)) > 1 else "f32"
        assert server.client.get("/version").json()["precision"] == precision
        engine = server.engine
        body = {"prompt": "Once", "temperature": 0, "max_tokens": 8000, "ignore_eos": True, "stream": True}
        with server.client.stream("POST", "/v1/completions", json=body) as answer:
            lines = answer.iter_lines()
            next(lines)
            engine.kill()
            with pytest.raises(httpx.RemoteProtocolError):
                list(lines)
        assert server.process.wait(30) == 1
        assert not engine.is_running()
        assert "the engine failed: the engine process ended: killed by SIGKILL" in server.log.read_text()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_server_that_ends_leaves_no_engine(files: ModelFiles, tmp_path: Path, how: signal.Signals) -> None:
    port_file = tmp_path / "port"
    process = subprocess.Popen(command_for(port_file, ComputeOptions(cache_gb=1)), stderr=subprocess.DEVNULL)
    try:
        while not port_file.exists():
            assert process.poll() is None
            time.sleep(0.05)
        (engine,) = psutil.Process(process.pid).children()
        process.send_signal(how)
        assert process.wait(30) == (0 if how != signal.SIGKILL else -signal.SIGKILL)
        engine.wait(30)
    finally:
        process.kill()


@pytest.mark.skipif(shutil.which("taskset") is None, reason="needs taskset")
def test_one_core_serves_f32(server: Server, tmp_path: Path) -> None:
    """A request's tokens in f32 are the same as with all cores, alone and beside others."""
    prompts = [f"Tell me about the number {number}." for number in range(4)]
    with running(tmp_path, cores=one_core()) as alone, ThreadPoolExecutor(4) as pool:
        assert list(pool.map(alone.ids, prompts)) == list(map(server.ids, prompts))


@pytest.mark.skipif(shutil.which("taskset") is None, reason="needs taskset")
def test_one_core_is_refused_in_bf16_before_openvino_dies_of_it(files: ModelFiles, tmp_path: Path) -> None:
    command = ["taskset", "-c", one_core(), *command_for(tmp_path / "port", ComputeOptions("bf16", cache_gb=1))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_START_S, check=False)
    assert done.returncode == 2
    why = "with one thread OpenVINO computes in f32 only" if has_bf16() else "this CPU has no AVX512-BF16"
    assert f"error: The embedded engine can't start: {why}" in done.stderr
    assert "Traceback" not in done.stderr


def one_core() -> str:
    return str(min(os.sched_getaffinity(0)))


def test_a_taken_port_is_named(server: Server) -> None:
    command = [sys.executable, "-m", "assay.engines.embedded.server", "--port", str(server.client.base_url.port)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_START_S, check=False)
    assert done.returncode == 2
    assert f"error: Can't listen on 127.0.0.1:{server.client.base_url.port}" in done.stderr
    assert "Traceback" not in done.stderr
