"""Which answers were streams: by when their tokens arrived, as a client would have seen it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.analysed import analysed
from tests.analysing import Analyse
from tests.synthetic import Node, Plan, write_campaign, write_run

from assay.analysis import arrivals
from assay.analysis.run import analyse_run
from assay.analysis.streams import Streams, held_words, read_streams
from assay.analysis.summary import summarise
from assay.report.campaign_page import campaign_page
from assay.report.run_page import notice_problems
from assay.runs import RequestWriter, RunFolder, read_record, read_requests, write_json

MS, US = 1_000_000, 1_000
Arrivals = list[tuple[int, int]]
"""Time after sending, ns, and tokens."""


def steps(count: int, *, each: int = 1, ttft_ns: int = 50 * MS, gap_ns: int = 10 * MS) -> Arrivals:
    """A stream: `each` tokens a step."""
    return [(ttft_ns + place * gap_ns, each) for place in range(count)]


def burst(count: int, at_ns: int, *, apart_ns: int = 20 * US) -> Arrivals:
    """Tokens that come at one time, read in pieces."""
    return [(at_ns + place * apart_ns, 1) for place in range(count)]


def blocks(size: int, count: int) -> Arrivals:
    return [arrival for place in range(count) for arrival in burst(size, (place + 1) * 100 * MS)]


def written(path: Path, answers: Sequence[tuple[str, Arrivals]], *, said: bool = True) -> Path:
    with RequestWriter(path) as writer:
        for number, (endpoint, arrivals) in enumerate(answers):
            row: dict[str, Any] = {
                "sample_id": number, "qsl_idx": number, "attempt": 1, "final": True, "status": "ok",
                "endpoint": endpoint, "issued_ns": 5, "sent_ns": 10, "first_ns": 10 + arrivals[0][0],
                "last_ns": 10 + arrivals[-1][0], "done_ns": 20 + arrivals[-1][0],
                "chunk_ns": [at for at, _ in arrivals], "chunk_tokens": [n for _, n in arrivals] if said else None,
                "output_tokens": sum(n for _, n in arrivals), "streamed_tokens": sum(n for _, n in arrivals),
            }  # fmt: skip
            writer.write([row])
    return path


def one(folder: Path, arrivals: Arrivals, *, said: bool = True) -> Streams:
    (streams,) = read_streams(written(folder / "requests.parquet", [("a", arrivals)] * 10, said=said))
    return streams


@pytest.mark.parametrize("said", [True, False])
@pytest.mark.parametrize(
    ("arrivals", "shape"),
    [
        ([(800 * MS, 64)], "whole"),
        (burst(64, 800 * MS), "whole"),
        (burst(5, 800 * MS), "whole"),
        ([*steps(1), *burst(63, 800 * MS)], "after_first"),
        ([*steps(1), *burst(7, 800 * MS)], "after_first"),
        (blocks(16, 8), "blocks"),
        (blocks(8, 4), "blocks"),
        ([*steps(3), *burst(61, 800 * MS)], "blocks"),
    ],
)
def test_shapes_that_are_no_stream(tmp_path: Path, arrivals: Arrivals, shape: str, said: bool) -> None:
    streams = one(tmp_path, arrivals, said=said)
    assert streams.are_none
    assert (streams.answers, streams.held, getattr(streams, shape)) == (10, 10, 10)


@pytest.mark.parametrize("said", [True, False])
@pytest.mark.parametrize(
    "arrivals",
    [
        steps(64),
        steps(64, ttft_ns=20_000 * MS),  # a long wait makes a token's mean time long, not the gaps short
        [*burst(20, 20_000 * MS), *((20_010 * MS + k * 10 * MS, 1) for k in range(44))],  # nor after a stall
        steps(64, gap_ns=500 * US, ttft_ns=2 * MS),  # a very fast engine
        steps(16, each=4),  # four tokens a step
        steps(3, each=3),
        [*steps(40), *burst(10, 500 * MS), *((510 * MS + k * 10 * MS, 1) for k in range(40))],  # one stall
        steps(2),
        [(50 * MS, 3)],
    ],
)
def test_streams(tmp_path: Path, arrivals: Arrivals, said: bool) -> None:
    streams = one(tmp_path, arrivals, said=said)
    assert not streams.are_none
    assert streams.held == 0


def test_one_endpoint_of_two_is_enough_and_few_answers_are_not(tmp_path: Path) -> None:
    answers = [("a", steps(64))] * 10 + [("b", burst(64, 800 * MS))] * 5 + [("b", steps(64))] * 5
    a, b = read_streams(written(tmp_path / "requests.parquet", answers))
    assert (a.are_none, b.are_none) == (False, True)
    assert "came in one piece (at b, 5 of 10)" in b.words(client_bound=False)
    answers += [("b", steps(64))]
    _, b = read_streams(written(tmp_path / "more.parquet", answers))
    assert not b.are_none


def test_the_words_name_the_shape(tmp_path: Path) -> None:
    assert "TTFT is that of the whole answer" in one(tmp_path, burst(64, 800 * MS)).words(client_bound=False)
    assert "one piece but for one token" in one(tmp_path, [*steps(1), *burst(63, 800 * MS)]).words(client_bound=False)
    assert "blocks of about 16 tokens" in one(tmp_path, blocks(16, 8)).words(client_bound=False)


def test_a_thousand_endpoints_are_told_of_in_a_sentence_a_shape() -> None:
    shapes = (Streams("w", 10, whole=9), Streams("a", 8, after_first=7), Streams("b", 6, blocks=5, block_tokens=50.0))
    held = [replace(shapes[number % 3], endpoint=f"e{number:04}") for number in range(1023)]
    words = held_words(held, client_bound=False)
    assert [told.partition(":")[0] for told in words] == [
        "answers came in one piece (at e0000, e0003, e0006 and 338 more, 3069 of 3410)",
        "answers came in one piece but for one token (at e0001, e0004, e0007 and 338 more, 2387 of 2728)",
        "answers came in blocks of about 10 tokens (at e0002, e0005, e0008 and 338 more, 1705 of 2046)",
    ]
    assert held_words(held[:1], client_bound=True) == [held[0].words(client_bound=True)]


def test_looking_closely_at_suspects_alone_finds_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(1)
    shapes = [
        lambda tokens, each: steps(tokens, each=each),
        lambda tokens, each: [*steps(each), *burst(tokens, 40_000 * MS)],
        lambda tokens, each: blocks(int(draw.integers(1, 20)), tokens // 10 + 1),
        lambda tokens, each: [(int(at) * 300 * US, each) for at in np.cumsum(draw.integers(0, 9, tokens) ** 3)],
        lambda tokens, each: [(50 * MS, tokens)],
    ]
    answers = [
        (f"e{number % 7}", shapes[number % len(shapes)](int(draw.integers(1, 70)), int(draw.integers(1, 5))))
        for number in range(140)
    ]
    paths = [written(tmp_path / f"{said}.parquet", answers, said=said) for said in (True, False)]
    found = [read_streams(path) for path in paths]
    assert all(sum(getattr(one, shape) for one in found[0]) for shape in ("answers", "whole", "after_first", "blocks"))
    looked = []
    monkeypatch.setattr(arrivals, "_suspects", lambda _, tokens: looked.append(1) or np.ones(len(tokens), dtype=bool))
    assert [read_streams(path) for path in paths] == found
    assert looked


def test_streams_are_not_looked_at_closely(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "r.parquet", [("a", steps(64)), ("a", steps(40, each=4)), ("b", steps(16))])
    monkeypatch.delattr(arrivals, "_exactly")
    assert [(streams.answers, streams.held) for streams in read_streams(path)] == [(2, 0), (1, 0)]


def test_without_times_of_chunks_the_first_and_the_last_tell(tmp_path: Path) -> None:
    folder = write_run(tmp_path, Plan(samples=60, chunks=False))
    assert not any(streams.held for streams in read_streams(folder.requests))


def held(folder: RunFolder, size: int) -> None:
    """Rewrite a run's answers: their tokens come `size` at a time, when the last of them was due."""
    rows = read_requests(folder.requests).to_pylist()
    for row in rows:
        times = np.asarray(row["chunk_ns"])
        ends = np.minimum(np.arange(len(times)) // size * size + size - 1, len(times) - 1)
        row["chunk_ns"] = times[ends].tolist()
        row["first_ns"] = row["sent_ns"] + row["chunk_ns"][0]
    with RequestWriter(folder.requests) as writer:
        writer.write(rows)


def test_a_run_of_blocks_has_no_time_between_tokens_anywhere(tmp_path: Path, analyse: Analyse) -> None:
    folder = write_run(tmp_path, Plan(samples=80, scenario="Server", qps=4.0))
    assert {"tpot_ns", "itl_ns"} <= summarise(folder).latency.keys()
    held(folder, 16)
    run = analyse_run(folder)
    assert not {"tpot_ns", "itl_ns"} & run.result.latency.keys()
    assert "ttft_ns" in run.result.latency
    assert any("came in blocks of about" in reason for reason in run.result.verdict.reasons)
    assert any("TPOT: not measured" in reason for reason in run.result.verdict.reasons)
    assert any("came in blocks of about" in notice for notice in run.result.notices)
    assert {finding.rule for finding in run.findings} == {"held-streams"}
    assert run.itl_counts is None
    assert (run.latency.tpot_by_output, run.latency.tpot_over_time, run.latency.goodput) == ([], None, [])


def test_blocks_that_a_late_client_read_are_not_the_servers(tmp_path: Path) -> None:
    folder = write_run(tmp_path, Plan(samples=80, scenario="Server", qps=4.0))
    held(folder, 16)
    mended, *_ = [finding for finding in analyse_run(folder).findings if finding.rule == "held-streams"]
    assert "proxy_buffering" in mended.suggestion
    record = read_record(folder)
    record.client.client_bound, record.client.reasons = True, ["worker-0 used 99 % of a core"]
    write_json(folder.record, record)
    run = analyse_run(folder)
    (late,) = [finding for finding in run.findings if finding.rule == "held-streams"]
    assert late.evidence[0].figure.count("came in blocks of about") == 1, "of both endpoints at once"
    assert "isn't known: the load generator was late" in late.title
    assert "proxy" not in late.suggestion
    assert "chunk_" not in late.evidence[0].figure
    assert any("read them late (the run is client-bound)" in reason for reason in run.result.verdict.reasons)
    assert not [problem for problem in notice_problems(run.result.notices) if "came in blocks" in problem.text]


@pytest.mark.parametrize(
    ("late", "titles"),
    [
        (True, ["Whether answers are streams isn't known: the load generator was late."]),
        (False, ["Answers of node-a-0 weren't streams.", "Answers of node-b-0 weren't streams."]),
    ],
)
def test_a_campaigns_page_tells_it_once(tmp_path: Path, late: bool, titles: list[str]) -> None:
    a, b = Node("node-a"), Node("node-b")
    plans = {key: Plan(samples=60, nodes=nodes) for key, nodes in (("a-r0", (a,)), ("b-r0", (b,)), ("both-r0", (a, b)))}
    folder = write_campaign(tmp_path, plans, "scaling")
    for key in plans:
        held(folder.run(key), 16)
        record = read_record(folder.run(key))
        record.client.client_bound, record.client.reasons = late, ["worker-0 used 99 % of a core"] * late
        write_json(folder.run(key).record, record)
    page = campaign_page(analysed(folder))
    assert not [reason for reason in page.verdict_reasons if "came in blocks" in reason]
    assert [problem.title for problem in page.problems if "came in blocks" in problem.text] == titles
