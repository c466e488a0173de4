"""A server that says that it is Assay's simulator is simulated, whatever the configuration calls it."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.campaigns import Quiet, config
from tests.running_simulator import simulator

from assay.audit import audit_path
from assay.campaign.runner import run_campaign
from assay.load.api_probe import probe_api
from assay.load.encoders import Prompt
from assay.runs import RunFolder, read_record, read_result, write_json
from assay.serving.api import ApiOptions
from assay.serving.client import ControlClient
from assay.serving.connection import EndpointConnection

WORDS = b"assay simulator"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with simulator(tmp_path_factory.mktemp("simulator"), "--model", "meta-llama", "--output-tokens", "4") as running:
        yield running.url()


@contextmanager
def gateway(url: str, *, header: bool, models: bool, replies: bool) -> Iterator[EndpointConnection]:
    """What stands before a server and passes its words on only where it is told to."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._pass_on(models)

        def do_POST(self) -> None:
            self._pass_on(replies)

        def _pass_on(self, kept: bool) -> None:
            behind = http.client.HTTPConnection(url.removeprefix("http://"))
            asked = self.rfile.read(int(self.headers.get("content-length", 0)))
            behind.request(self.command, self.path, asked, {"content-type": "application/json"})
            reply = behind.getresponse()
            body = reply.read() if kept else reply.read().replace(WORDS, b"nginx")
            self.send_response_only(reply.status)
            self.send_header("server", reply.headers["server"] if header else "nginx")
            self.send_header("content-type", reply.headers["content-type"])
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            behind.close()

        def log_message(self, *_: object) -> None:
            pass

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    try:
        yield EndpointConnection(url=f"http://127.0.0.1:{listener.server_port}")
    finally:
        listener.shutdown()
        listener.server_close()


@pytest.mark.parametrize("where", ["header", "models", "replies"])
def test_it_is_heard_through_a_gateway_that_passes_one_of_its_words_on(server: str, where: str) -> None:
    kept = {name: name == where for name in ("header", "models", "replies")}
    listed, answered = heard(server, **kept)
    assert (listed, answered) == (where in ("header", "models"), where in ("header", "replies"))


def test_a_server_that_says_nothing_of_it_is_not_taken_for_it(server: str) -> None:
    assert heard(server, header=False, models=False, replies=False) == (False, False)


def heard(server: str, *, header: bool, models: bool, replies: bool) -> tuple[bool, bool]:
    """Whether it was heard in its list of models and headers, and in a reply to a prompt."""
    with gateway(server, header=header, models=models, replies=replies) as connection:
        prompt = Prompt(text="Say something.")
        facts = asyncio.run(probe_api(connection, "meta-llama", ApiOptions(), prompt, None))
        return asyncio.run(ControlClient(connection).says_simulated()), facts.simulated


@pytest.mark.parametrize("asked", [True, False], ids=["models are listed", "models are not asked for"])
def test_a_campaign_on_it_is_simulated_on_every_page(server: str, tmp_path: Path, asked: bool) -> None:
    pytest.importorskip("gguf", reason="needs the embedded extra for its tokenizer")
    engine = {
        "kind": "external", "server": "vllm", "model": "meta-llama", "check_model": asked,
        "endpoints": [{"url": server, "accelerators": ["NVIDIA H100 80GB HBM3"]}],
    }  # fmt: skip
    prompts = [json.dumps({"prompt": f"Number {number}: say something."}) for number in range(8)]
    (tmp_path / "prompts.jsonl").write_text("\n".join(prompts))
    listener = Quiet()
    dataset = {"path": str(tmp_path / "prompts.jsonl"), "max_tokens": 4}
    outcome = asyncio.run(run_campaign(config(tmp_path, engine=engine, dataset=dataset, cluster={}), listener))
    assert "the server says that it is `assay simulate`: every run is marked simulated" in listener.said
    assert outcome.state.simulated
    (entry,) = outcome.state.runs
    run = outcome.folder.run(entry.run or "")
    result = read_result(run)
    assert result is not None
    assert any(notice.startswith("Simulated:") for notice in result.notices)
    assert read_record(run).simulated
    for page in (run.path / "report.md", outcome.folder.path / "report.md"):
        assert "simulated endpoints" in page.read_text()
    if asked:
        assert_a_record_that_denies_it_is_found(run)


def assert_a_record_that_denies_it_is_found(run: RunFolder) -> None:
    record, result = read_record(run), read_result(run)
    assert result is not None
    write_json(run.record, record.model_copy(update={"simulated": False}))
    result.verdict.valid = True
    write_json(run.result, result)
    assert "simulated" in {finding.rule for finding in audit_path(run.path).problems}
