"""Runs that the pacer drives, as a campaign carries them out: their record, result, audit and pages."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pytest
from tests.campaigns import FAST, Quiet, config
from tests.dialects import MODEL, dialect

from assay.analysis.run import analyse_run
from assay.audit import Judgement, audit_path
from assay.campaign.runner import CampaignOutcome, run_campaign
from assay.errors import UserError
from assay.runs import Result, RunFolder, RunRecord, read_ledger, read_requests

ONE = {"nodes": [{"name": "node-a"}]}


def carry_out(folder: Path, *loads: dict[str, Any], **changes: Any) -> CampaignOutcome:
    campaign = {"kind": "bench", "loads": list(loads)}
    settings = config(folder, **{"engine": {**FAST, "speeds": {}}, "cluster": ONE, "campaign": campaign, **changes})
    return asyncio.run(run_campaign(settings, Quiet()))


def folders(outcome: CampaignOutcome) -> list[RunFolder]:
    assert outcome.sound, [entry.reason for entry in outcome.state.runs]
    return [outcome.folder.run(entry.run) for entry in outcome.state.runs if entry.run]


def test_every_load_ends_with_a_result_that_the_audit_believes(tmp_path: Path) -> None:
    outcome = carry_out(
        tmp_path,
        {"kind": "concurrency", "concurrency": 3, "requests": 60},
        {"kind": "rate", "rate": 60, "requests": 40},
        {"kind": "rate", "rate": 60, "duration_s": 0.7},
        {"kind": "concurrency", "concurrency": 4, "duration_s": 0.5},
        {"kind": "ramp", "of": "concurrency", "from": 1, "to": 4, "over_s": 0.5},
        {"kind": "sessions", "concurrency": 2, "requests": 20},
    )
    for folder in folders(outcome):
        result = Result.model_validate_json(folder.result.read_bytes())
        record = RunRecord.model_validate_json(folder.record.read_bytes())
        assert result.status == "completed"
        assert result.verdict.words == "driven by Assay's pacer: not an MLPerf scenario"
        assert (result.driver, result.shape) == ("pacer", record.shape)
        assert record.loadgen_version is None
        assert record.client.peak_rss_bytes.keys() == record.client.cpu_share.keys()
        assert min(record.client.peak_rss_bytes.values()) > 20 << 20  # an interpreter takes that much
        assert (result.loadgen.result, result.loadgen.reasons) == (None, [])
        assert {"samples_per_s", "output_tokens_per_s"} <= result.figures.keys()
        assert {"ttft_ns", "tpot_ns", "latency_ns"} <= result.latency.keys()
        assert read_ledger(folder).balanced
        judged = audit_path(folder.path)
        wrong = (Judgement.CONTRADICTED, Judgement.IMPOSSIBLE, Judgement.UNSUPPORTED)
        assert [finding for finding in judged.problems if finding.verdict in wrong] == []
        page = (folder.path / "report.html").read_text()
        assert "Driven by Assay" in page
        assert "Most memory" in page
        assert "mlperf_log" not in page
        assert "LoadGen: " not in page
        assert "LoadGen's own" not in page
        assert "LoadGen told" not in page


def test_a_closed_load_counts_from_sending(tmp_path: Path) -> None:
    (folder,) = folders(carry_out(tmp_path, {"kind": "concurrency", "concurrency": 1, "requests": 30}))
    result = Result.model_validate_json(folder.result.read_bytes())
    assert result.latency["ttft_ns"].model_dump(exclude={"formula"}) == result.latency["service_ttft_ns"].model_dump(
        exclude={"formula"}
    )
    table = read_requests(folder.requests, ["issued_ns", "sent_ns"])
    assert pc.max(pc.subtract(table["sent_ns"], table["issued_ns"])).as_py() > 0


def test_a_load_that_time_ends_is_rated_over_its_time(tmp_path: Path) -> None:
    slow = {**FAST, "speeds": {}, "ttft_ms": 300, "itl_ms": 10, "max_num_seqs": 64}
    shape = {"kind": "rate", "rate": 40, "arrivals": "constant", "duration_s": 1}
    (folder,) = folders(carry_out(tmp_path, shape, engine=slow))
    result = Result.model_validate_json(folder.result.read_bytes())
    table = read_requests(folder.requests, ["scheduled_ns", "sent_ns", "first_ns", "done_ns", "output_tokens"])
    begin_ns = pc.min(table["scheduled_ns"]).as_py()
    within = table.filter(pc.less_equal(table["done_ns"], begin_ns + 1_000_000_000))
    assert table.num_rows == 40, "all that was sent is counted"
    assert 0 < within.num_rows < 40, "and of what ended later a part is in the rate"
    sent, first, done = (table[name].to_numpy() for name in ("sent_ns", "first_ns", "done_ns"))
    begun = np.maximum(sent, first - (first - sent).min())
    share = np.clip((begin_ns + 1_000_000_000 - begun) / (done - begun), 0.0, 1.0)
    assert result.figures["samples_per_s"].value == pytest.approx(share.sum())
    assert result.figures["output_tokens_per_s"].value == pytest.approx(share @ table["output_tokens"].to_numpy())
    assert result.figures["window_s"].value == 1
    assert "window_s" in result.figures["samples_per_s"].formula
    assert result.latency["latency_ns"].n == 40
    run = analyse_run(folder)
    assert run.samples is not None
    assert run.samples.until_ns == begin_ns + 1_000_000_000


def test_one_loads_places_hold_no_other_load_back(tmp_path: Path) -> None:
    (tmp_path / "prompts.jsonl").write_text('{"prompt": "one"}\n{"prompt": "two"}\n')
    dataset = {"path": str(tmp_path / "prompts.jsonl"), "format": "prompts", "max_tokens": 8}
    loads = [
        {"kind": "concurrency", "concurrency": 1, "requests": 5},
        {"kind": "rate", "rate": 100, "arrivals": "constant", "requests": 5},
    ]
    with dialect("ok") as server:
        engine = {"kind": "external", "model": MODEL, "endpoints": [{"url": server.url}]}
        done = folders(carry_out(tmp_path, *loads, dataset=dataset, engine=engine, cluster={}))
    records = [RunRecord.model_validate_json(folder.record.read_bytes()) for folder in done]
    windows = {record.scenario: record.endpoints[0].window for record in records}
    assert windows == {"Concurrency": 1, "Rate": None}


def test_fewer_requests_than_places_is_said(tmp_path: Path) -> None:
    (folder,) = folders(carry_out(tmp_path, {"kind": "concurrency", "concurrency": 32, "requests": 5}))
    result = Result.model_validate_json(folder.result.read_bytes())
    assert any("Fewer requests than places: 5 requests for 32" in notice for notice in result.notices)


def test_a_sweep_draws_rates_and_concurrencies_in_order(tmp_path: Path) -> None:
    campaign = {"kind": "sweep", "rates": [80, 40], "concurrencies": [3, 1]}
    queries = {"Server": 20, "Concurrency": 20}
    changes = {"scenarios": ["Server"], "queries": queries, "engine": {**FAST, "speeds": {}}, "cluster": ONE}
    outcome = asyncio.run(run_campaign(config(tmp_path, campaign=campaign, **changes), Quiet()))
    folders(outcome)
    page = (outcome.folder.path / "report.html").read_text()
    assert "requests in flight" in page
    assert "target rate (samples/s)" in page
    rates = re.sub("<[^>]+>", "", page[page.index('<section id="throughput"') :])
    for first, after in (("1 in flight", "3 in flight"), ("40 samples/s", "80 samples/s")):
        assert rates.index(first) < rates.index(after)


def test_a_files_times_and_conversations_reach_the_pacer(tmp_path: Path) -> None:
    lines = [
        {"messages": [{"role": "user", "content": f"{name} asks {turn}"}], "session": name, "think_ms": 20,
         "timestamp": 50 * (2 * turn + "ab".index(name))}
        for turn in range(4) for name in "ab"
    ]  # fmt: skip
    (tmp_path / "talk.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    loads = ({"kind": "trace", "speed": 5}, {"kind": "sessions", "concurrency": 2})
    dataset = {"path": str(tmp_path / "talk.jsonl"), "format": "prompts"}
    trace, sessions = folders(carry_out(tmp_path, *loads, dataset=dataset))
    columns = ["sample_id", "qsl_idx", "scheduled_ns", "done_ns"]
    rows = sorted(read_requests(trace.requests, columns).to_pylist(), key=lambda row: row["sample_id"])
    assert [row["qsl_idx"] for row in rows] == list(range(8))
    assert [row["scheduled_ns"] - rows[0]["scheduled_ns"] for row in rows] == [10_000_000 * turn for turn in range(8)]
    rows = read_requests(sessions.requests, columns).to_pylist()
    for name in range(2):
        own = sorted((row for row in rows if row["qsl_idx"] % 2 == name), key=lambda row: row["qsl_idx"])
        assert len(own) == 4
        for before, after in itertools.pairwise(own):
            assert after["scheduled_ns"] == before["done_ns"] + 20_000_000


def test_live_turns_carry_what_the_server_answered(tmp_path: Path) -> None:
    lines = [
        {"messages": [{"role": "user", "content": f"{name} asks {turn}"}], "session": name}
        for turn in range(3) for name in "ab"
    ]  # fmt: skip
    (tmp_path / "talk.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    loads = [{"kind": "sessions", "concurrency": 2, "history": "live"}]
    dataset = {"path": str(tmp_path / "talk.jsonl"), "format": "prompts", "max_tokens": 8}
    with dialect("chatonly") as server:
        engine = {"kind": "external", "model": MODEL, "endpoints": [{"url": server.url}], "api": {"form": "chat"}}
        folders(carry_out(tmp_path, *loads, dataset=dataset, engine=engine, cluster={}))
        asked = [request.body["messages"] for request in server.loads if "asks" in json.dumps(request.body)]
    talks = [messages for messages in asked if len(messages) == 5]
    assert len(talks) == 2
    for messages in talks:
        assert [message["role"] for message in messages] == ["user", "assistant", "user", "assistant", "user"]
        said = [message["content"] for message in messages if message["role"] == "assistant"]
        assert said == [" word" * 8] * 2


def test_live_history_without_messages_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="history: live needs messages"):
        carry_out(tmp_path, {"kind": "sessions", "concurrency": 2, "history": "live"})
