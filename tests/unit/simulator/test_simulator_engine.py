"""The simulated engine's schedule, driven by hand: what is due when, who waits, who is preempted."""

from __future__ import annotations

from unittest.mock import patch

import pytest

from assay.simulator import SimulatorConfig
from assay.simulator import engine as engine_module
from assay.simulator.engine import Engine
from assay.simulator.faults import FaultPlan
from assay.simulator.job import Job
from assay.simulator.rendering import CYCLE, Output, Rendering
from assay.simulator.truth import Truth

MS = 1_000_000
OUTPUT = Output(0)
RENDERING = Rendering(OUTPUT, "m", chat=False, with_ids=True, each_token=True)


class Sink:
    """A client that keeps what it gets."""

    def __init__(self) -> None:
        self.data = b""
        self.done = False

    def write(self, data: bytes) -> None:
        self.data += data

    def finished(self) -> None:
        self.done = True

    def reset(self) -> None:
        raise AssertionError

    half_close = reset


class Bench:
    """An engine whose clock is turned by hand; starts at 1 s."""

    def __init__(self, **options: object) -> None:
        config = SimulatorConfig.from_fields(options)
        self.now_ns = 1000 * MS
        self.alarm_ns = 0
        self.truth = Truth(None, each_token=False)
        self.engine = Engine(config, FaultPlan((), 0, self.now_ns), self.truth, self._set)

    def _set(self, at_ns: int) -> None:
        self.alarm_ns = at_ns

    def job(self, total: int = 4, prompt: int = 10) -> Job:
        job = Job(
            client=Sink(), rendering=RENDERING, request_id=b"%016d" % 1, user=None, start=0, prompt_tokens=prompt,
            total=total, finish="length", stream=True, wants_usage=True, arrival_ns=self.now_ns,
        )  # fmt: skip
        with patch.object(engine_module, "monotonic_ns", lambda: self.now_ns):
            self.engine.submit(job)
        return job

    def at(self, ms: float) -> None:
        """Turns the clock to `ms` after the start, ringing every alarm on the way when it is due."""
        end_ns = 1000 * MS + round(ms * MS)
        with patch.object(engine_module, "monotonic_ns", lambda: self.now_ns):
            while self.alarm_ns and self.alarm_ns <= end_ns:
                self.now_ns, self.alarm_ns = max(self.now_ns, self.alarm_ns), 0
                self.engine.run_due()
        self.now_ns = end_ns

    def late(self, ms: float) -> None:
        """Lets everything due until `ms` happen only then, as on a machine that slept."""
        self.now_ns = 1000 * MS + round(ms * MS)
        self.at(ms)


def test_tokens_come_when_they_are_due() -> None:
    bench = Bench(ttft_ms=50, itl_ms=10)
    job = bench.job(total=4)
    seen = []
    for ms in (49, 50, 59, 60, 70, 79, 80):
        bench.at(ms)
        seen.append(job.sent)
    assert seen == [0, 1, 1, 2, 3, 3, 4]
    assert job.client.done  # type: ignore[attr-defined]
    assert (job.first_ns, job.last_ns) == (1050 * MS, 1080 * MS)


def test_lateness_doesnt_shift_what_follows() -> None:
    bench = Bench(ttft_ms=50, itl_ms=10)
    job = bench.job(total=6)
    bench.late(73)  # the tokens due at 50, 60 and 70
    assert job.sent == 3
    bench.at(79.9)
    assert job.sent == 3
    bench.at(80)
    assert job.sent == 4
    assert bench.truth.lateness.summary()["max_us"] == 23_000


def test_late_chunks_keep_their_sizes() -> None:
    bench = Bench(itl_ms=10, tokens_per_step=3)
    job = bench.job(total=10)
    bench.late(500)  # chunks of 3, 3 and 1 at once, after the first
    chunks = job.client.data.split(b'"token_ids":[')[1:]  # type: ignore[attr-defined]
    counts = [chunk.partition(b"]")[0].count(b",") + 1 for chunk in chunks]
    assert counts == [3, 3, 3, 1]


def test_prompt_speed_and_batch_curve() -> None:
    bench = Bench(ttft_ms=10, ttft_per_prompt_token_ms=1, itl_ms=8, itl_per_seq_ms=2, speed=2)
    first, second = bench.job(total=2, prompt=30), bench.job(total=2, prompt=30)
    bench.at(20)
    assert (first.sent, second.sent) == (1, 1)
    bench.at(26)  # (8 + 2 * 2) / 2 later
    assert (first.sent, second.sent) == (2, 2)


def test_first_uses_of_a_batch_size_are_slow_and_less_with_each() -> None:
    bench = Bench(itl_ms=10, cold_factor=3, cold_intervals=2)
    first = bench.job(total=4)
    arrivals = []
    for ms in range(0, 70, 5):
        bench.at(ms)
        arrivals.append(first.sent)
    assert arrivals == [1] * 6 + [2] * 4 + [3] * 2 + [4] * 2  # after 30, 20 and 10 ms
    assert first.cold == 2
    again = bench.job(total=4)
    bench.at(100)
    assert (again.sent, again.cold) == (4, 0)
    two = [bench.job(total=4), bench.job(total=4)]
    bench.at(200)
    assert sum(job.cold for job in two) == 2  # another size is cold still


def test_beyond_max_num_seqs_requests_wait() -> None:
    bench = Bench(ttft_ms=10, itl_ms=10, max_num_seqs=2)
    jobs = [bench.job(total=2) for _ in range(3)]
    bench.at(20)
    assert [job.sent for job in jobs] == [2, 2, 0]
    bench.at(40)
    assert jobs[2].sent == 2
    assert not bench.engine.running
    assert bench.engine.kv_used == 0


def test_many_waiting_requests_of_no_duration() -> None:
    bench = Bench(itl_ms=10, max_num_seqs=1)
    jobs = [bench.job(total=2)] + [bench.job(total=1) for _ in range(3000)]
    bench.at(10)
    assert all(job.gone for job in jobs)


def test_the_newest_is_preempted_when_the_cache_is_full() -> None:
    bench = Bench(ttft_ms=10, itl_ms=10, kv_tokens=30)
    old = bench.job(total=12, prompt=10)
    bench.now_ns += MS
    new = bench.job(total=12, prompt=10)
    bench.at(1000)
    assert (old.sent, new.sent) == (12, 12)
    assert (old.preempted, new.preempted) == (0, 1)
    assert bench.engine.preemptions == 1
    assert new.last_ns > old.last_ns
    assert bench.engine.kv_used == 0


def test_a_client_that_leaves_frees_its_place() -> None:
    bench = Bench(ttft_ms=10, itl_ms=10, max_num_seqs=1)
    first, second, third = bench.job(), bench.job(), bench.job()
    bench.at(15)
    with patch.object(engine_module, "monotonic_ns", lambda: bench.now_ns):
        bench.engine.drop(second)
        bench.engine.drop(first)
    bench.at(25)
    assert (first.sent, second.sent, third.sent) == (1, 0, 1)


def test_jitter_keeps_the_mean() -> None:
    bench = Bench(ttft_ms=10, itl_ms=10, jitter=0.5)
    job = bench.job(total=4000)
    bench.at(60_000)
    assert job.sent == 4000
    assert (job.last_ns - job.first_ns) / 3999 / MS == pytest.approx(10, rel=0.05)


@pytest.mark.parametrize("count", [1, 2, CYCLE, CYCLE + 1, 2 * CYCLE + 7])
def test_chunks_joined_are_chunks_made_one_by_one(count: int) -> None:
    opening = RENDERING.opening(b"%016x" % 77)
    start = CYCLE - 3
    joined = RENDERING.chunks(opening, start, count)
    if count > 10:
        assert joined.count(b"data: ") == count
        assert joined.endswith(RENDERING.chunks(opening, start + count - 1, 1))
    else:
        one_by_one = [RENDERING.chunk_of_several(opening, start + k, 1, None) for k in range(count)]
        assert joined == b"".join(one_by_one)
