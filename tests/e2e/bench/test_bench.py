"""`assay bench` as a user types it, against servers whose truth is known."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.dialects import CHAT, MODEL, dialect
from tests.running_simulator import Running, simulator

from assay.runs import CampaignFolder, read_campaign, read_ledger, read_requests

ASSAY = [sys.executable, "-m", "assay.commands.main"]
SPEED = ("--model", "m", "--ttft-ms", "40", "--itl-ms", "5", "--output-tokens", "12", "--max-num-seqs", "64")


def bench(folder: Path, url: str, *arguments: str, code: int = 0, env: dict[str, str] | None = None) -> str:
    command = [*ASSAY, "bench", url, *arguments]
    given = {**os.environ, **(env or {})}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=given, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stdout + done.stderr


def rows_of(where: Path, output: str) -> list[dict[str, Any]]:
    value = json.loads(output)
    folder = CampaignFolder(where / value["folder"])
    for entry in read_campaign(folder).runs:
        assert entry.run is not None
        assert read_ledger(folder.run(entry.run)).balanced
    loads: list[dict[str, Any]] = value["loads"]
    return loads


def requests_of(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for path in sorted((folder / "results").glob("*/runs/*/requests.parquet")):
        found += read_requests(path).to_pylist()
    return found


@pytest.fixture
def server(tmp_path: Path):  # type: ignore[no-untyped-def]
    (tmp_path / "server").mkdir()
    with simulator(tmp_path / "server", *SPEED) as running:
        yield running


def test_a_table_a_report_and_the_truth(tmp_path: Path, server: Running) -> None:
    arguments = ["--input", "100", "--output", "12", "--concurrency", "1,4", "--rate", "10", "--requests", "16"]
    output = bench(tmp_path, server.url(), *arguments, "--slo", "ttft=10s")
    lines = output.splitlines()
    for load in ("1 in flight", "4 in flight", "10 samples/s"):
        assert any(line.startswith(load) and " 16 " in line for line in lines), output
    assert re.search(r"^all 3 runs +48 +48 +0 +0 +balanced$", output, re.MULTILINE)
    assert "not an MLPerf scenario" in output
    (page,) = (tmp_path / "results").glob("*/report.html")
    assert str(page.relative_to(tmp_path)) in output
    truth = [line for line in server.stop() if line.get("first_ns")]
    assert len(truth) >= 3 * 16  # the warm-up and the probe come on top
    for row in requests_of(tmp_path):
        assert row["status"] == "ok"
        assert row["output_tokens"] == 12
        assert row["first_ns"] - row["sent_ns"] >= 40_000_000 * 0.99


def test_json_for_scripts_and_conditions_for_ci(tmp_path: Path, server: Running) -> None:
    short = ["--output", "4", "--requests", "6", "--concurrency", "2", "--json"]
    (row,) = rows_of(tmp_path, bench(tmp_path, server.url(), *short))
    assert (row["load"], row["issued"], row["ok"], row["failed"]) == ("2 in flight", 6, 6, 0)
    assert row["latency"]["ttft_ns"]["p50"]["value"] >= 40_000_000 * 0.99
    passed = ["--fail-if", "ttft p99 > 60s", "--fail-if", "unanswered > 0%"]
    bench(tmp_path, server.url(), *short, *passed)
    said = bench(tmp_path, server.url(), *short, *passed, "--fail-if", "ttft p50 > 20ms", code=3)
    assert re.search(r"^--fail-if ttft p50 > 20ms: it is [\d.]+ ms \(2 in flight\)$", said, re.MULTILINE)


def test_what_is_saved_measures_the_same(tmp_path: Path, server: Running) -> None:
    said = bench(tmp_path, server.url(), "--output", "4", "--requests", "6", "--save", "bench.yaml")
    assert "assay run bench.yaml" in said
    assert not (tmp_path / "results").exists()
    done = subprocess.run([*ASSAY, "run", "bench.yaml"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "1 in flight" in done.stdout


def test_chat_messages_from_json_lines(tmp_path: Path) -> None:
    lines = [
        {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": f"Question {number}?"}]}
        for number in range(5)
    ]
    (tmp_path / "chat.jsonl").write_text("\ufeff" + "\n".join(map(json.dumps, lines)))
    with dialect("chatonly") as server:
        output = bench(tmp_path, server.url, "--prompts", "chat.jsonl", "--output", "8", "--requests", "10", "--json")
        sent = [asked.body["messages"] for asked in server.loads if asked.path == CHAT]
    (row,) = rows_of(tmp_path, output)
    assert (row["ok"], row["failed"]) == (10, 0)
    assert all(messages in sent for messages in [line["messages"] for line in lines])


def test_sharegpt_conversations_as_sessions(tmp_path: Path) -> None:
    turns = [
        ("human", "Hello, {0}."),
        ("gpt", "Hello."),
        ("human", "And {0} again?"),
        ("gpt", "Yes."),
        ("human", "Bye."),
    ]
    chats = [
        {"id": f"c{number}", "conversations": [{"from": who, "value": text.format(number)} for who, text in turns]}
        for number in range(4)
    ]
    (tmp_path / "sharegpt.json").write_text(json.dumps(chats))
    with dialect("chatonly") as server:
        common = ["--prompts", "sharegpt.json", "--output", "8", "--json"]
        plain = bench(tmp_path, server.url, *common, "--requests", "4")
        output = bench(tmp_path, server.url, *common, "--sessions", "2", "--requests", "12")
    assert rows_of(tmp_path, plain)[0]["ok"] == 4
    (row,) = rows_of(tmp_path, output)
    assert (row["load"], row["ok"], row["failed"]) == ("2 conversations at once, each at one endpoint", 12, 0)
    sessions = max((tmp_path / "results").glob("*/runs/*sessions*/requests.parquet"))
    done = sorted(read_requests(sessions).to_pylist(), key=lambda one: one["qsl_idx"])
    for before, after in itertools.pairwise(done):
        if after["qsl_idx"] % 3:  # the next turn of the same conversation waits for the answer before it
            assert after["sent_ns"] >= before["done_ns"]


def test_a_mooncake_trace_is_replayed_in_its_own_time(tmp_path: Path, server: Running) -> None:
    trace = [
        {"timestamp": 200 * number, "input_length": 600, "output_length": 6, "hash_ids": [0, number]}
        for number in range(8)
    ]
    (tmp_path / "trace.jsonl").write_text("\n".join(map(json.dumps, trace)))
    (row,) = rows_of(tmp_path, bench(tmp_path, server.url(), "--prompts", "trace.jsonl", "--trace", "2", "--json"))
    assert (row["load"], row["ok"]) == ("trace, 2 times as fast", 8)
    found = sorted(requests_of(tmp_path), key=lambda one: one["sample_id"])
    gaps = [after["scheduled_ns"] - before["scheduled_ns"] for before, after in itertools.pairwise(found)]
    assert gaps == pytest.approx([100_000_000] * 7, abs=1000)


def test_requests_that_the_server_refuses_fail_alone(tmp_path: Path) -> None:
    prompts = [{"prompt": "word " * (400 if number % 4 == 0 else 5)} for number in range(8)]
    (tmp_path / "prompts.jsonl").write_text("\n".join(map(json.dumps, prompts)))
    with dialect("ok", longest=300) as server:
        arguments = ["--prompts", "prompts.jsonl", "--output", "8", "--requests", "8", "--json", "--warmup", "1"]
        said = bench(tmp_path, server.url, *arguments, code=1)
    value = json.loads(said[: said.rindex("\n}") + 2][said.index("{\n") :])
    (row,) = value["loads"]
    assert (row["issued"], row["ok"], row["failed"]) == (8, 6, 2)
    refused = [one for one in requests_of(tmp_path) if one["status"] != "ok"]
    assert {one["http_status"] for one in refused} == {400}
    assert all(one["attempt"] == 1 for one in refused)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "m", "--concurrency", "x"], "--concurrency x"),
        (["--model", "other"], "serves m, not 'other': choose one with --model"),
        (["--model", "m", "--prompts", "timeless.jsonl", "--trace", "1"], "--trace"),
        (["--model", "m", "--prompts", "absent.jsonl"], "absent.jsonl"),
    ],
)
def test_a_mistake_ends_in_one_message(tmp_path: Path, arguments: list[str], words: str) -> None:
    (tmp_path / "timeless.jsonl").write_text('{"prompt": "x"}')
    with dialect("ok") as server:
        command = [*ASSAY, "bench", server.url, *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert words in done.stderr
    assert not list(tmp_path.glob("results/*/report.html"))
    assert "Traceback" not in done.stderr


def test_a_server_that_is_not_there_and_one_that_wants_a_key(tmp_path: Path) -> None:
    said = bench(tmp_path, "http://127.0.0.1:9", code=1)
    assert "has no answer" in said
    with dialect("needkey", needs=("api-key", "K")) as server:
        assert "401" in bench(tmp_path, server.url, code=1)
        keyed = ["--header", "api-key=env:MY_KEY", "--output", "4", "--requests", "3", "--model", MODEL]
        bench(tmp_path, server.url, *keyed, env={"MY_KEY": "K"})
    assert b'"K"' not in b"".join(path.read_bytes() for path in (tmp_path / "results").rglob("*.yaml"))


def test_answers_of_many_lengths_in_a_load_that_its_time_ends(tmp_path: Path, server: Running) -> None:
    arguments = ["--input", "64", "--output", "4:12", "--concurrency", "4", "--duration", "3s", "--json"]
    (row,) = rows_of(tmp_path, bench(tmp_path, server.url(), *arguments))
    assert row["failed"] == 0
    assert row["samples_per_s"]["value"] > 0
    (campaign,) = (tmp_path / "results").iterdir()
    audit = subprocess.run([*ASSAY, "audit", str(campaign)], capture_output=True, text=True, check=False)
    assert "contradicted" not in audit.stdout.replace("0 contradicted", "")


def test_what_the_replies_hold_against_the_figures_is_on_the_terminal(tmp_path: Path) -> None:
    with dialect("ok", tokens=16, held_after=0) as server:
        said = bench(tmp_path, server.url, "--output", "16", "--requests", "4")
        (row,) = rows_of(tmp_path, bench(tmp_path, server.url, "--output", "16", "--requests", "4", "--json"))
    assert "came in one piece" in " ".join(said.split())
    assert any("came in one piece" in notice for notice in row["notices"])


def test_a_server_without_a_list_of_models_and_one_without_done(tmp_path: Path) -> None:
    short = ["--model", MODEL, "--output", "4", "--requests", "3"]
    with dialect("nomodels") as server:
        bench(tmp_path, f"{server.url}/v1/chat/completions", *short)
    with dialect("nodone") as server:
        assert "--no-done" in bench(tmp_path, server.url, *short, code=1)
        bench(tmp_path, server.url, *short, "--no-done")
