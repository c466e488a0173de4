"""Data sets of every shape go through whole runs: lengths of their own, conversations, no references."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.campaigns import FAST, Quiet, config
from tests.simulated import FAST as FAST_OPTIONS
from tests.simulated import simulators

from assay.campaign.runner import CampaignOutcome, run_campaign
from assay.errors import UserError
from assay.runs import RunFolder, RunRecord, read_requests

pytestmark = [pytest.mark.usefixtures("no_reports"), pytest.mark.engine]
ONE = {"nodes": [{"name": "node-a"}]}
ALONE = {**FAST, "speeds": {}, "output_tokens": 100}


def carry_out(folder: Path, dataset: dict[str, Any], **changes: Any) -> CampaignOutcome:
    pytest.importorskip("gguf", reason="needs the embedded extra for its tokenizer")
    settings = {"dataset": dataset, "cluster": ONE, "engine": ALONE, **changes}
    return asyncio.run(run_campaign(config(folder, **settings), Quiet()))


def only_run(outcome: CampaignOutcome) -> RunFolder:
    (entry,) = outcome.state.runs
    assert outcome.sound, entry.reason
    assert entry.run is not None
    return outcome.folder.run(entry.run)


def rows_of(run: RunFolder, *columns: str) -> dict[str, list[Any]]:
    return {
        name: column.to_pylist()
        for name, column in zip(columns, read_requests(run.requests, list(columns)).columns, strict=True)
    }


def written(folder: Path, *lines: Any) -> dict[str, Any]:
    path = folder / "data.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines))
    return {"path": str(path)}


def test_synthetic_prompts_and_answers_have_their_lengths(tmp_path: Path) -> None:
    synthetic = {"input": {"low": 40, "high": 80}, "output": {"low": 2, "high": 9}}
    run = only_run(carry_out(tmp_path, {"samples": 12, "synthetic": synthetic}))
    found = rows_of(run, "qsl_idx", "input_tokens", "output_tokens")
    assert set(found["input_tokens"]) <= set(range(40, 81))
    assert len(set(found["input_tokens"])) > 4
    # The simulated server answers until the limit that each request sets.
    assert set(found["output_tokens"]) <= set(range(2, 10))
    assert len(set(found["output_tokens"])) > 2
    record = RunRecord.model_validate_json(run.record.read_bytes())
    assert record.dataset_generated
    assert record.dataset_note == "prompt lengths are exact: every prompt was counted by the model's tokenizer"
    assert record.max_tokens == max(found["output_tokens"])


def test_conversations_without_references_run_and_their_accuracy_isnt_measured(tmp_path: Path) -> None:
    chat = [
        {"role": "user", "content": "one?"},
        {"role": "assistant", "content": "1"},
        {"role": "user", "content": "and then?"},
    ]
    dataset = {**written(tmp_path, {"messages": chat, "max_tokens": 3}, {"prompt": "Hi"}), "sessions": True}
    run = only_run(carry_out(tmp_path, dataset, modes=["accuracy"], engine={**ALONE, "output_tokens": 8}))
    found = rows_of(run, "qsl_idx", "input_tokens", "output_tokens")
    by_sample = dict(
        zip(found["qsl_idx"], zip(found["input_tokens"], found["output_tokens"], strict=True), strict=True)
    )
    assert len(by_sample) == 3
    assert by_sample[1][0] > by_sample[0][0]
    assert [by_sample[index][1] for index in range(3)] == [3, 3, 8]
    assert not run.accuracy.exists()
    assert "accuracy run, quality gate: not measured" in run.result.read_text()


@pytest.mark.parametrize(
    ("rows", "sessions", "turns"),
    [
        ([{"messages": [{"role": "user", "content": "one?"}], "max_tokens": 3 + i} for i in range(6)], False, 6),
        (
            [
                {"conversations": [{"from": who, "value": f"{who} {i}"} for who in ("human", "gpt") * 2]}
                for i in range(3)
            ],
            True,
            6,
        ),
    ],
)
def test_conversations_go_as_messages_to_a_server_whose_api_is_learnt(
    tmp_path: Path, rows: list[Any], sessions: bool, turns: int
) -> None:
    load = {"kind": "sessions", "concurrency": 2} if sessions else {"kind": "concurrency", "concurrency": 2}
    with simulators(tmp_path, [FAST_OPTIONS]) as (url,):
        engine = {"kind": "external", "model": "simulated", "endpoints": [{"url": url}]}
        campaign = {"kind": "bench", "loads": [{**load, "requests": turns}]}
        changes = {"engine": engine, "campaign": campaign, "benchmark": "own-prompts", "cluster": {}}
        settings = config(tmp_path, dataset={**written(tmp_path, *rows), "sessions": sessions}, **changes)
        run = only_run(asyncio.run(run_campaign(settings, Quiet())))
    found = rows_of(run, "qsl_idx", "status", "max_tokens")
    assert sorted(found["qsl_idx"]) == list(range(turns))
    assert set(found["status"]) == {"ok"}
    record = RunRecord.model_validate_json(run.record.read_bytes())
    assert record.api is not None
    assert record.api.form == "chat"
    if not sessions:
        assert sorted(found["max_tokens"]) == [3, 4, 5, 6, 7, 8]


def test_a_prompt_that_doesnt_fit_is_told_before_anything_starts(tmp_path: Path) -> None:
    dataset = written(tmp_path, {"prompt": "a", "max_tokens": 9000})
    with pytest.raises(UserError, match=r"sample 0 has \d+ tokens; smollm2-135m has room for -808"):
        carry_out(tmp_path, dataset)
    assert not list((tmp_path / "results").glob("*"))
