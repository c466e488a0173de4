"""Every shape of load against simulated servers, held against what the servers themselves wrote down."""

from __future__ import annotations

import itertools
import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from tests.simulated import Run, run, simulators

from assay.load.history import placeholder
from assay.load.pacer import Timetable
from assay.runs import read_requests

PACE = ("--ttft-ms", "20", "--itl-ms", "2", "--output-tokens", "8", "--max-num-seqs", "64")
MS = 1_000_000


@dataclass(frozen=True)
class Served:
    """One request as its server saw it. Times are CLOCK_MONOTONIC, ns."""

    server: int
    sample: int
    arrival_ns: int
    last_ns: int
    """Just before its last token was sent: what the client does on seeing it comes later."""


class Servers:
    """Simulated servers and their own records of the requests."""

    def __init__(self, urls: list[str], truths: list[Path]) -> None:
        self.urls = urls
        self._truths = truths

    def served(self) -> list[Served]:
        """All requests, by arrival; complete once the servers have ended."""
        found = []
        for server, path in enumerate(self._truths):
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            found += [
                Served(server, int(line["user"]), line["arrival_ns"], line["last_ns"])
                for line in lines
                if not line.get("summary")
            ]
        return sorted(found, key=lambda request: request.arrival_ns)


@contextmanager
def servers(folder: Path, count: int = 1, pace: tuple[str, ...] = PACE) -> Iterator[Servers]:
    truths = [folder / f"truth-{number}" for number in range(count)]
    with simulators(folder, [[*pace, "--truth", str(truth)] for truth in truths]) as urls:
        yield Servers(urls, truths)


def most_at_once(served: list[Served]) -> int:
    events = [(one.arrival_ns, 1) for one in served] + [(one.last_ns, -1) for one in served]
    return max(itertools.accumulate(step for _, step in sorted(events)))


def sound(result: Run, requests: int) -> None:
    assert result.outcome.status == "finished", result.outcome
    ledger = result.ledger
    assert ledger.balanced, ledger.problems
    assert (ledger.issued, ledger.completed, ledger.loadgen_completed) == (requests, requests, None)


def rows(result: Run) -> list[dict[str, Any]]:
    columns = ["sample_id", "qsl_idx", "issued_ns", "scheduled_ns", "sent_ns", "done_ns", "endpoint"]
    return sorted(read_requests(result.folder.requests, columns).to_pylist(), key=lambda row: row["sample_id"])


@pytest.mark.parametrize(("places", "count"), [(1, 1), (6, 1), (5, 2)])
def test_concurrency_is_held_over_all_endpoints_and_never_exceeded(tmp_path: Path, places: int, count: int) -> None:
    with servers(tmp_path, count) as own:
        shape = {"kind": "concurrency", "concurrency": places, "requests": 40}
        result = run(tmp_path, own.urls, shape=shape, samples=16, window=places)
    sound(result, 40)
    served = own.served()
    assert {one.sample for one in served[:places]} == set(range(places))
    assert sorted(one.sample for one in served) == sorted(number % 16 for number in range(40))
    assert most_at_once(served) == places
    assert {one.server for one in served} == set(range(count))
    assert all(row["scheduled_ns"] is None for row in rows(result))


def test_arrivals_come_at_their_times_whatever_the_server_does(tmp_path: Path) -> None:
    with servers(tmp_path, pace=("--ttft-ms", "400", "--itl-ms", "2", "--output-tokens", "8")) as own:
        shape = {"kind": "rate", "rate": 50, "arrivals": "constant", "requests": 30}
        result = run(tmp_path, own.urls, shape=shape, window=1000)
    sound(result, 30)
    due_ns = np.array([row["scheduled_ns"] for row in rows(result)])
    assert np.diff(due_ns) == pytest.approx([20 * MS] * 29, abs=1)
    for row in rows(result):
        assert row["scheduled_ns"] <= row["issued_ns"] <= row["sent_ns"]
    assert most_at_once(own.served()) > 10, "0.4 s at 50 a second"


def test_a_seed_gives_the_same_arrivals_again(tmp_path: Path) -> None:
    gaps = []
    with servers(tmp_path) as own:
        for turn in range(2):
            folder = tmp_path / str(turn)
            folder.mkdir()
            shape = {"kind": "rate", "rate": 100, "arrivals": "gamma", "burstiness": 0.5, "requests": 20}
            due_ns = [row["scheduled_ns"] for row in rows(run(folder, own.urls, shape=shape, window=1000))]
            gaps.append(np.diff(due_ns).tolist())
    assert gaps[0] == gaps[1]


def test_a_load_ends_after_its_time_and_counts_what_is_in_flight(tmp_path: Path) -> None:
    with servers(tmp_path, pace=("--ttft-ms", "800", "--itl-ms", "2", "--output-tokens", "8")) as own:
        result = run(tmp_path, own.urls, shape={"kind": "concurrency", "concurrency": 3, "duration_s": 0.2}, window=3)
    sound(result, 3)
    begin_ns = min(row["issued_ns"] for row in rows(result))
    assert all(row["done_ns"] - begin_ns > 800 * MS for row in rows(result))


def test_a_ramp_opens_place_after_place(tmp_path: Path) -> None:
    shape = {"kind": "ramp", "of": "concurrency", "from": 1, "to": 4, "over_s": 0.6, "duration_s": 0.8}
    with servers(tmp_path) as own:
        result = run(tmp_path, own.urls, shape=shape, window=4)
    sound(result, result.ledger.issued)
    served = own.served()
    assert most_at_once(served) == 4
    begin_ns = min(row["issued_ns"] for row in rows(result))  # by then the ramp had begun
    for place, opens_ns in ((2, 200 * MS), (3, 400 * MS), (4, 600 * MS)):
        before = [one for one in served if one.arrival_ns < begin_ns + opens_ns - 20 * MS]
        assert most_at_once(before) < place


def test_a_trace_is_replayed_at_the_speed_that_was_asked_for(tmp_path: Path) -> None:
    arrivals: list[int | None] = [0, 600 * MS, 200 * MS, 210 * MS]
    table = Timetable.of(arrivals, [None] * 4, [None] * 4)
    with servers(tmp_path) as own:
        result = run(tmp_path, own.urls, shape={"kind": "trace", "speed": 2}, samples=4, timetable=table, window=99)
    sound(result, 4)
    found = rows(result)
    assert [row["qsl_idx"] for row in found] == [0, 2, 3, 1]
    assert [row["scheduled_ns"] - found[0]["scheduled_ns"] for row in found] == [0, 100 * MS, 105 * MS, 300 * MS]
    assert [one.sample for one in own.served()] == [0, 2, 3, 1]


@pytest.mark.parametrize("sticky", [True, False])
def test_turns_come_in_order_after_their_thoughts_at_one_endpoint_if_asked(tmp_path: Path, sticky: bool) -> None:
    names = [f"c{number % 6}" for number in range(30)]  # six conversations of five turns, interleaved in the data
    table = Timetable.of([None] * 30, names, [30 * MS] * 30)
    with servers(tmp_path, 2) as own:
        shape = {"kind": "sessions", "concurrency": 4, "sticky": sticky}
        result = run(tmp_path, own.urls, shape=shape, samples=30, timetable=table, window=64)
    sound(result, 30)
    turns: dict[str, list[Served]] = defaultdict(list)
    for one in own.served():
        turns[names[one.sample]].append(one)
    for own_turns in turns.values():
        assert [one.sample for one in own_turns] == sorted(one.sample for one in own_turns)
        for before, after in itertools.pairwise(own_turns):
            assert after.arrival_ns - before.last_ns >= 30 * MS
    assert most_at_once(own.served()) <= 4
    homes = [{one.server for one in own_turns} for own_turns in turns.values()]
    if sticky:
        assert all(len(home) == 1 for home in homes)
    assert set.union(*homes) == {0, 1}


class Parrot(BaseHTTPRequestHandler):
    """Answers every prompt with its length, and keeps the prompts."""

    prompts: ClassVar[list[str]] = []
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        prompt = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["prompt"]
        self.prompts.append(prompt)
        texts = ((told(prompt)[:3], None), (told(prompt)[3:], "stop"))
        parts = [{"choices": [{"text": text, "finish_reason": reason}]} for text, reason in texts]
        events = [f"data: {json.dumps(part)}\n\n" for part in parts]
        data = "".join([*events, "data: [DONE]\n\n"]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        """Quiet."""


def told(prompt: str) -> str:
    return f'"é"\nof {len(prompt)}'


def test_live_turns_are_asked_with_what_the_server_answered(tmp_path: Path) -> None:
    names = [f"c{number // 3}" for number in range(9)]
    table = Timetable.of([None] * 9, names, [None] * 9)
    turns = [[f"{name} asks {turn}: " for turn in range(number % 3 + 1)] for number, name in enumerate(names)]
    prompts = ["".join(f"{own[turn]}{placeholder(turn)} " for turn in range(len(own) - 1)) + own[-1] for own in turns]
    server = ThreadingHTTPServer(("127.0.0.1", 0), Parrot)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        shape = {"kind": "sessions", "concurrency": 2, "history": "live"}
        result = run(tmp_path, [url], shape=shape, samples=9, timetable=table, window=64, prompts=prompts)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    sound(result, 9)
    expected = []
    for own in turns:
        prompt = own[0]
        for question in own[1:]:
            prompt = f"{prompt}{told(prompt)} {question}"
        expected.append(prompt)
    assert sorted(Parrot.prompts) == sorted(expected)


def test_a_session_moves_on_when_its_endpoint_is_gone(tmp_path: Path) -> None:
    names = [f"c{number // 4}" for number in range(16)]
    table = Timetable.of([None] * 16, names, [None] * 16)
    with servers(tmp_path) as own:
        urls = [*own.urls, "http://127.0.0.1:9"]
        shape = {"kind": "sessions", "concurrency": 4}
        result = run(tmp_path, urls, shape=shape, samples=16, timetable=table, window=64)
    sound(result, 16)
    assert result.ledger.resent > 0
    assert [one.sample for one in own.served() if one.sample < 4] == [0, 1, 2, 3]


def test_answers_that_fail_are_counted_and_free_their_place(tmp_path: Path) -> None:
    with servers(tmp_path, pace=(*PACE, "--fault", "error_500,p=0.3")) as own:
        shape = {"kind": "concurrency", "concurrency": 4, "requests": 60}
        result = run(tmp_path, own.urls, shape=shape, window=4, max_attempts=1)
    ledger = result.ledger
    assert ledger.balanced, ledger.problems
    assert ledger.failed > 0
    assert ledger.completed + ledger.failed == 60


def test_a_load_ends_once_a_test_is_sure(tmp_path: Path) -> None:
    one_by_one = ("--ttft-ms", "8", "--itl-ms", "0", "--output-tokens", "1", "--max-num-seqs", "1")
    shape = {"kind": "rate", "rate": 400, "requests": 8000, "until_sure": True}
    with servers(tmp_path, pace=one_by_one) as own:
        result = run(tmp_path, own.urls, shape=shape, limits="p99(ttft) < 20 ms", window=100_000)
    sure, issued = result.outcome.sure, result.outcome.issued
    assert sure is not None
    assert issued is not None
    assert sure.over, "three times what it can do"
    assert 100 <= issued < 8000, "it ended before its bound"
    sound(result, issued)
