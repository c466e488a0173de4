"""What `--json` prints of a campaign: why requests failed, and what became of each condition."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.results import bench_result, distribution, figure

from assay.commands.bench.limits import parse_condition
from assay.commands.bench.measured import measured_json
from assay.runs import CampaignFolder, CampaignState, RequestWriter, RunEntry
from assay.runs.shapes import ConcurrencyShape

RUN = "run-1"


def printed(folder: Path, *conditions: str) -> dict[str, Any]:
    campaign = CampaignFolder(folder)
    requests = campaign.run(RUN).requests
    requests.parent.mkdir(parents=True)
    told = [(True, "ok", None), (True, "http_4xx", "too long"), (True, "http_4xx", "too long"), (True, "stalled", "")]
    told += [(True, "http_4xx", f"other {number}") for number in range(4)]
    told += [(False, "reset", "sent again")]
    with RequestWriter(requests) as writer:
        writer.write(
            {"sample_id": place, "qsl_idx": 0, "attempt": 1, "final": final, "status": status, "detail": detail,
             "issued_ns": 0}
            for place, (final, status, detail) in enumerate(told)
        )  # fmt: skip
    shape = ConcurrencyShape(concurrency=1, requests=8)
    entry = RunEntry(key="a", scenario="Concurrency", mode="performance", nodes=["n"], run=RUN, shape=shape)
    state = CampaignState(id="x", kind="bench", name="x", started_utc="", config_sha256="", seed=0, runs=[entry])
    figures = {"samples_issued": figure(8), "samples_completed": figure(1)}
    result = bench_result(RUN, figures, distribution(400))
    return measured_json(campaign, state, [result], [parse_condition(text) for text in conditions])


def test_failed_requests_are_counted_by_reason_with_some_of_the_servers_words(tmp_path: Path) -> None:
    (row,) = printed(tmp_path)["loads"]
    assert row["failures"] == [
        {"reason": "http_4xx", "requests": 6, "words": ["too long", "other 0", "other 1"]},
        {"reason": "stalled", "requests": 1, "words": []},
    ]


def test_each_condition_is_told_with_its_value_and_whether_it_holds(tmp_path: Path) -> None:
    found = printed(tmp_path, "ttft p99 > 500ms", "ttft p50 > 300ms", "unanswered > 1%", "tokens < 5")["conditions"]
    assert [(one["condition"], one["figure"], one["value"], one["holds"]) for one in found] == [
        ("ttft p99 > 500ms", "ttft_ns p99", 400e6, False),
        ("ttft p50 > 300ms", "ttft_ns p50", 400e6, True),
        ("unanswered > 1%", "unanswered_share", 7 / 8, True),
        ("tokens < 5", "output_tokens_per_s", None, None),
    ]
    assert {(one["load"], one["run"]) for one in found} == {("1 in flight", RUN)}
