"""The pacer's steps, played through without a clock: how much is in flight, in which order, and when it ends."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from assay.errors import AssayError
from assay.load.pacer.source import Pacer
from assay.load.pacer.timetable import Timetable
from assay.load.plan import PacerPlan
from assay.load.source import NO_TIME, Answer, Issue, Issues
from assay.runs.shapes import LoadShape

S = 1_000_000_000
SHAPES: TypeAdapter[LoadShape] = TypeAdapter(LoadShape)


@dataclass
class Play:
    """A run of a pacer against answers that take a given time, in simulated time."""

    issues: list[tuple[int, Issue]] = field(default_factory=list)
    most: int = 0
    ended_ns: int | None = None
    answered_ns: dict[int, int] = field(default_factory=dict)

    @property
    def samples(self) -> list[int]:
        return [issue.qsl_idx for _, issue in self.issues]


def play(
    shape: dict[str, Any],
    samples: int = 10,
    takes_ns: int = S,
    table: Path | None = None,
    seed: int = 1,
    failing: frozenset[int] = frozenset(),
) -> Play:
    found, flying, clock = Play(), [], [0]

    def issue(issues: Issues) -> None:
        for one in issues.particular:
            found.issues.append((clock[0], one))
            heapq.heappush(flying, (clock[0] + takes_ns, one.query))
        found.most = max(found.most, len(flying))

    def end(error: BaseException | None) -> None:
        assert error is None
        found.ended_ns = clock[0]

    plan = PacerPlan(shape=SHAPES.validate_python(shape), seed=seed, timetable=str(table) if table else None)
    pacer = Pacer(plan, samples, issue, end)
    pacer.start(0)
    while found.ended_ns is None:
        due = [time_ns for time_ns in (pacer.next_due_ns(), flying[0][0] if flying else None) if time_ns is not None]
        assert due, "the load would never end"
        clock[0] = max(clock[0], min(due))
        answers = []
        while flying and flying[0][0] <= clock[0]:
            done_ns, query = heapq.heappop(flying)
            found.answered_ns[query] = done_ns
            answers.append(Answer(query, f"answer to {query}".encode(), 2, done_ns, ok=query not in failing))
        pacer.complete(answers)
        pacer.issue_due(clock[0])
    assert not flying
    assert sorted(found.answered_ns) == list(range(len(found.issues)))
    return found


@settings(max_examples=50, deadline=None)
@given(places=st.integers(1, 20), requests=st.integers(1, 60))
def test_places_are_filled_again_and_never_more(places: int, requests: int) -> None:
    found = play({"kind": "concurrency", "concurrency": places, "requests": requests})
    assert found.most == min(places, requests)
    assert found.samples == [number % 10 for number in range(requests)]
    assert all(issue.due_ns == NO_TIME for _, issue in found.issues)
    assert found.ended_ns == -(-requests // places) * S


def test_a_duration_ends_the_sending_and_lets_answers_come() -> None:
    found = play({"kind": "concurrency", "concurrency": 2, "duration_s": 2.5})
    assert [at for at, _ in found.issues] == [0, 0, S, S, 2 * S, 2 * S]
    assert found.ended_ns == 3 * S
    found = play({"kind": "rate", "rate": 2, "arrivals": "constant", "duration_s": 2})
    assert [issue.due_ns for _, issue in found.issues] == [0, S // 2, S, 3 * S // 2]


def test_the_earlier_of_two_bounds_counts() -> None:
    shape = {"kind": "rate", "rate": 2, "arrivals": "constant", "duration_s": 2}
    assert len(play({**shape, "requests": 3}).issues) == 3
    assert len(play({**shape, "requests": 9}).issues) == 4


def test_arrivals_keep_their_times_however_slow_the_answers() -> None:
    slow, fast = (play({"kind": "rate", "rate": 5, "requests": 30}, takes_ns=t) for t in (100 * S, 1))
    assert [issue for _, issue in slow.issues] == [issue for _, issue in fast.issues]
    assert slow.most == 30


def test_arrivals_that_are_closed_issue_nothing_more_and_let_answers_come() -> None:
    issued: list[Issue] = []
    ends: list[BaseException | None] = []
    shape = SHAPES.validate_python({"kind": "rate", "rate": 10, "arrivals": "constant", "requests": 50})
    pacer = Pacer(PacerPlan(shape=shape, seed=1), 10, lambda issues: issued.extend(issues.particular), ends.append)
    pacer.start(0)
    pacer.issue_due(S)
    before = len(issued)
    assert 0 < before < 50
    pacer.close()
    assert pacer.next_due_ns() is None
    pacer.issue_due(9 * S)
    assert (len(issued), ends) == (before, []), "what is in flight is owed"
    pacer.complete([Answer(issue.query, b"", 2, 9 * S) for issue in issued])
    pacer.issue_due(9 * S)
    assert (len(issued), ends) == (before, [None])


@pytest.mark.parametrize("rate", [5, 5000])
def test_a_request_is_handed_over_a_little_early_for_its_worker_to_hold(rate: int) -> None:
    found = play({"kind": "rate", "rate": rate, "requests": 200})
    due_ns = [issue.due_ns for _, issue in found.issues]
    early_ns = [due - at for at, issue in found.issues for due in [issue.due_ns]]
    gaps_ns = [after - before for before, after in itertools.pairwise(due_ns)]
    assert early_ns[1:] == [min(500_000, gap // 20) for gap in gaps_ns]
    assert sum(early_ns) <= due_ns[-1] / 20  # a worker that holds one stamps no tokens


def test_without_a_bound_every_sample_comes_once() -> None:
    for shape in ({"kind": "concurrency", "concurrency": 3}, {"kind": "rate", "rate": 5}):
        assert play(shape).samples == list(range(10))


def test_places_on_a_ramp_open_at_their_times() -> None:
    found = play({"kind": "ramp", "of": "concurrency", "from": 1, "to": 5, "over_s": 40}, takes_ns=1000 * S)
    assert [at for at, _ in found.issues] == [0, 10 * S, 20 * S, 30 * S], "the fifth would open when the load ends"
    falling = {"kind": "ramp", "of": "concurrency", "from": 5, "to": 1, "over_s": 4, "duration_s": 10}
    found = play(falling)
    busy = Counter(at // S for at, _ in found.issues)
    assert [busy[second] for second in range(10)] == [5, 4, 3, 2, 1, 1, 1, 1, 1, 1]


def trace(folder: Path, arrivals: list[int | None]) -> Path:
    path = folder / "timetable.npy"
    Timetable.of(arrivals, [None] * len(arrivals), [None] * len(arrivals)).write(path)
    return path


def test_a_trace_is_replayed_in_order_and_faster(tmp_path: Path) -> None:
    table = trace(tmp_path, [7 * S, 3 * S, 5 * S])
    found = play({"kind": "trace", "speed": 2}, samples=3, table=table)
    assert [(issue.qsl_idx, issue.due_ns) for _, issue in found.issues] == [(1, 0), (2, S), (0, 2 * S)]
    assert len(play({"kind": "trace", "duration_s": 3}, samples=3, table=table).issues) == 2


def test_a_trace_without_times_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssayError, match="arrival time"):
        play({"kind": "trace"}, samples=2, table=trace(tmp_path, [1, None]))
    with pytest.raises(AssayError, match="trace"):
        play({"kind": "trace"}, samples=2)


THINK = 3 * S


def conversations(folder: Path, lengths: list[int], think_ns: int = THINK) -> tuple[Path, int]:
    names = [f"c{number}" for number, length in enumerate(lengths) for _ in range(length)]
    path = folder / "timetable.npy"
    Timetable.of([None] * len(names), names, [think_ns] * len(names)).write(path)
    return path, len(names)


def turns(found: Play) -> dict[int, list[tuple[int, Issue]]]:
    own: dict[int, list[tuple[int, Issue]]] = defaultdict(list)
    for at, issue in found.issues:
        own[issue.session].append((at, issue))
    return own


def test_a_turn_waits_for_the_answer_before_it_and_the_thought(tmp_path: Path) -> None:
    table, samples = conversations(tmp_path, [3, 1, 2])
    found = play({"kind": "sessions", "concurrency": 2}, samples, table=table)
    assert sorted(found.samples) == list(range(samples))
    assert [issue.qsl_idx for _, issue in turns(found)[0]] == [0, 1, 2]
    for own in turns(found).values():
        for (_, before), (_, after) in itertools.pairwise(own):
            assert after.due_ns == found.answered_ns[before.query] + THINK
    assert all(0 <= issue.due_ns - at <= 500_000 for at, issue in found.issues)


@settings(max_examples=50, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 5), min_size=1, max_size=12),
    places=st.integers(1, 6),
    requests=st.none() | st.integers(1, 80),
)
def test_conversations_are_whole_and_no_more_than_asked_are_open(
    lengths: list[int], places: int, requests: int | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    table, samples = conversations(tmp_path_factory.mktemp("t"), lengths)
    shape = {"kind": "sessions", "concurrency": places, "requests": requests}
    found = play(shape, samples, table=table)
    assert len(found.issues) == (requests or samples)
    events = []
    for own in turns(found).values():
        events += [(own[0][0], 1), (found.answered_ns[own[-1][1].query], -1)]
    open_now = most = 0
    for _, step in sorted(events):
        open_now += step
        most = max(most, open_now)
    assert most <= places
    cut = [own for own in turns(found).values() if len(own) < lengths[own[0][1].session % len(lengths)]]
    assert len(cut) <= 1, "the bound cuts one conversation at most"


def test_conversations_that_begin_at_a_rate_overlap(tmp_path: Path) -> None:
    table, samples = conversations(tmp_path, [2] * 30)
    found = play({"kind": "sessions", "rate": 10, "sticky": False}, samples, table=table)
    assert sorted(found.samples) == list(range(samples))
    assert {issue.session for _, issue in found.issues} == {-1}
    begun = [at for at, issue in found.issues if issue.qsl_idx % 2 == 0]
    assert begun[-1] < 10 * S
    assert found.most > 10


def test_a_duration_cuts_conversations(tmp_path: Path) -> None:
    table, samples = conversations(tmp_path, [100], think_ns=3600 * S)
    found = play({"kind": "sessions", "concurrency": 1, "duration_s": 10}, samples, table=table)
    assert len(found.issues) == 1
    assert found.ended_ns == S, "nobody waits for a thought that would come too late"


def test_live_turns_carry_the_answers_before_them(tmp_path: Path) -> None:
    table, samples = conversations(tmp_path, [3, 2])
    found = play({"kind": "sessions", "concurrency": 1, "history": "live"}, samples, table=table)
    histories = [orjson.loads(issue.history or b"[]") for _, issue in found.issues]
    assert histories == [[], ["answer to 0"], ["answer to 0", "answer to 1"], [], ["answer to 3"]]


def test_a_live_conversation_ends_where_an_answer_failed(tmp_path: Path) -> None:
    table, samples = conversations(tmp_path, [3, 2])
    shape = {"kind": "sessions", "concurrency": 1, "history": "live"}
    found = play(shape, samples, table=table, failing=frozenset({1}))
    assert found.samples[:4] == [0, 1, 3, 4]
    recorded = play({**shape, "history": "recorded"}, samples, table=table, failing=frozenset({1}))
    assert recorded.samples == list(range(samples))
