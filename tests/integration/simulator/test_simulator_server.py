"""The simulator as a process, seen through the transport and compared with its own truth."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from tests.running_simulator import Requests, conversation, simulator

from assay.load.transport import Exchange, Outcome
from assay.simulator.main import main


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=5) as reply:  # a loopback address
        body: bytes = reply.read()
    return body


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("chat", [True, False])
@pytest.mark.parametrize("return_token_ids", [True, False])
def test_kinds_of_request(tmp_path: Path, stream: bool, chat: bool, return_token_ids: bool) -> None:
    with simulator(tmp_path) as server:
        path = "/chat/completions" if chat else "/completions"

        async def talk(requests: Requests) -> list[Exchange]:
            return await requests.ask(2, chat=chat, stream=stream, return_token_ids=return_token_ids)

        one, other = conversation(server.url(), talk, path=path)
    assert one.outcome is Outcome.OK, one.detail
    assert one.text() == other.text()
    assert len(one.text().split()) == 8
    assert one.output_tokens == 8
    assert one.token_source == ("ids" if return_token_ids else "usage")
    assert one.usage_prompt == 1
    assert one.finish_reason == "length"
    assert len(one.chunk_ns) == (8 if stream else 1)


def test_same_prompt_same_output_on_every_server(tmp_path: Path) -> None:
    texts = []
    for seed in ("1", "1", "2"):
        with simulator(tmp_path, "--seed", seed) as server:
            (exchange,) = conversation(server.url(), lambda r: r.ask(prompt=[5, 6, 7], max_tokens=40))
            texts.append(exchange.text())
    assert texts[0] == texts[1] != texts[2]


def test_truth_agrees_with_what_was_measured(tmp_path: Path) -> None:
    options = ("--ttft-ms", "40", "--itl-ms", "5", "--jitter", "0.2", "--truth-tokens")
    with simulator(tmp_path, *options) as server:
        exchanges = conversation(server.url(), lambda r: r.ask(20, max_tokens=20))
        *lines, summary = server.stop()
    truth = {line["user"]: line for line in lines}
    assert len(truth) == 20
    for exchange in exchanges:
        line = truth[f"tag-{exchange.tag}"]
        assert line["tokens"] == exchange.output_tokens == len(line["token_ns"]) == 20
        assert line["status"] == "done"
        # The same clock: nothing arrives before it was sent, whatever the machine is doing.
        assert exchange.sent_ns <= line["arrival_ns"] <= line["first_ns"] <= exchange.first_ns
        assert all(sent <= seen for sent, seen in zip(line["token_ns"], exchange.chunk_ns, strict=True))
        assert line["first_ns"] - line["arrival_ns"] >= 5_000_000
    assert summary["summary"]
    assert (summary["requests"], summary["tokens"]) == (20, 400)
    assert summary["lateness"]["chunks"] == 400


def test_several_tokens_a_chunk(tmp_path: Path) -> None:
    with simulator(tmp_path, "--tokens-per-step", "3", "--itl-ms", "2") as server:
        (exchange,) = conversation(server.url(), lambda r: r.ask(max_tokens=10))
    assert exchange.outcome is Outcome.OK
    assert exchange.chunk_tokens.tolist() == [3, 3, 3, 1]


def test_several_processes(tmp_path: Path) -> None:
    with simulator(tmp_path, "--processes", "2", "--speed", "1", "4", "--ttft-ms", "200") as server:
        assert len(set(server.ports)) == 2
        slow, fast = (conversation(server.url(index), lambda r: r.ask())[0] for index in (0, 1))
    assert (slow.outcome, fast.outcome) == (Outcome.OK, Outcome.OK)
    assert slow.first_ns - slow.sent_ns >= 200_000_000
    assert fast.first_ns - fast.sent_ns >= 50_000_000


def test_several_processes_behind_one_port(tmp_path: Path) -> None:
    with simulator(tmp_path, "--processes", "2", "--one-port", "--ttft-ms", "200") as server:
        assert len(server.ports) == 1
        exchanges = conversation(server.url(), lambda r: r.ask(40))
        server.stop()
    served = [(tmp_path / name).read_bytes().splitlines()[:-1] for name in ("truth.jsonl", "truth.jsonl.1")]
    assert {exchange.outcome for exchange in exchanges} == {Outcome.OK}
    assert sum(map(len, served)) == 40
    assert all(served)


def test_several_endpoints_in_a_process(tmp_path: Path) -> None:
    """Each with its own port, speed, answers and truth."""
    each = ("--processes", "2", "--endpoints-per-process", "2", "--speed", "1", "4", "1", "4", "--ttft-ms", "200")
    with simulator(tmp_path, *each) as server:
        exchanges = [conversation(server.url(index), lambda r, count=index + 1: r.ask(count)) for index in range(4)]
        ports = server.ports
    assert len(set(ports)) == 4
    for least_ns, asked in zip((200_000_000, 50_000_000) * 2, exchanges, strict=True):
        assert all(one.outcome is Outcome.OK for one in asked)
        assert asked[0].first_ns - asked[0].sent_ns >= least_ns
    assert len({exchange[0].text() for exchange in exchanges}) == 4
    names = ("truth.jsonl", "truth.jsonl.1", "truth.jsonl.2", "truth.jsonl.3")
    lines = [(tmp_path / name).read_bytes().splitlines() for name in names]
    assert [json.loads(of[-1])["requests"] for of in lines] == [1, 2, 3, 4]


def test_other_paths(tmp_path: Path) -> None:
    with simulator(tmp_path, "--model", "toy", "--kv-tokens", "1000") as server:
        conversation(server.url(), lambda r: r.ask(2))
        assert get(server.url() + "/health") == b""
        assert "version" in json.loads(get(server.url() + "/version"))
        assert json.loads(get(server.url() + "/v1/models"))["data"][0]["id"] == "toy"
        metrics = get(server.url() + "/metrics").decode()
        with pytest.raises(urllib.error.HTTPError):
            get(server.url() + "/nothing")
    assert 'vllm:generation_tokens_total{model_name="toy"} 16' in metrics
    assert 'vllm:request_success_total{finished_reason="length",model_name="toy"} 2' in metrics
    assert 'vllm:num_requests_running{model_name="toy"} 0' in metrics


def test_options_from_a_file_and_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "simulator.yaml"
    file.write_text("output_tokens: 3\nfaults: [{kind: error_429, after: 1}]\n")
    with simulator(tmp_path, "--config", str(file)) as server:

        async def talk(requests: Requests) -> list[Exchange]:
            return await requests.ask() + await requests.ask()

        first, second = conversation(server.url(), talk)
    assert (first.output_tokens, first.finish_reason) == (3, "stop")
    assert second.outcome is Outcome.HTTP_429
    file.write_text("ttft: 3\n")
    assert main(["--config", str(file)]) == 2
    assert "ttft_ms" in capsys.readouterr().err


def test_a_taken_port_is_told_with_the_mend(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with simulator(tmp_path) as running:
        assert main(["--port", str(running.ports[0])]) == 2
    said = capsys.readouterr().err
    assert said.startswith("assay: can't listen on 127.0.0.1:")
    assert "--port" in said
