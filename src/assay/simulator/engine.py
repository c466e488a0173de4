"""The simulated engine: a queue, a batch, and when each token is due."""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from time import monotonic_ns

from assay.simulator.cold import FirstUses
from assay.simulator.config import Fault, FaultKind, SimulatorConfig
from assay.simulator.connection import head
from assay.simulator.faults import FaultPlan
from assay.simulator.job import Job
from assay.simulator.truth import Truth

_STREAM_HEAD = head("200 OK", "text/event-stream; charset=utf-8", "transfer-encoding: chunked")
_BROKEN_EVENT = b'data: {"choices":[{"index":0,"text":\n\n'
_CHUNKS_A_TURN = 50
_NEVER_NS = 1 << 62


class Engine:
    """Admits jobs while there is room, and sends each chunk when it is due."""

    def __init__(
        self, config: SimulatorConfig, plan: FaultPlan, truth: Truth, set_timer: Callable[[int], None]
    ) -> None:
        self.running: set[Job] = set()
        self.waiting: deque[Job] = deque()
        self.kv_used = 0
        self.prompt_tokens = 0
        self.generated_tokens = 0
        self.preemptions = 0
        self.finished = {"stop": 0, "length": 0}
        self._config = config
        self._plan = plan
        self._truth = truth
        self._set_timer = set_timer
        self._due: list[tuple[int, int, Job]] = []
        self._pushed = 0
        self._admitting = False
        self._draw = random.Random(config.seed + 1)
        self._ns_per_ms = 1e6 / config.speed[0]
        self._cold = FirstUses(config.cold_factor, config.cold_intervals)
        self._at_once = config.itl_ms == config.itl_per_seq_ms == 0 and not config.kv_tokens

    def submit(self, job: Job) -> None:
        """Takes a job in; with no delays its reply is complete on return."""
        self.waiting.append(job)
        self._admit(job.arrival_ns)
        self._arm()

    def drop(self, job: Job) -> None:
        """The client is gone."""
        if not job.gone:
            if not job.running:
                self.waiting.remove(job)
            self._leave(job, "dropped")
            self._admit(monotonic_ns())
            self._arm()

    def run_due(self) -> None:
        """Sends the chunks that are due now; called by the timer.

        Of a great many it leaves some to the next call, so that requests that arrive are noticed between.
        """
        now_ns = monotonic_ns()
        due = self._due
        for _ in range(_CHUNKS_A_TURN):
            if not due or due[0][0] > now_ns:
                break
            at_ns, _, job = heappop(due)
            if job.running and job.due_ns == at_ns:  # else preempted, postponed or gone since
                self._send_due(job, now_ns)
                now_ns = monotonic_ns()
        self._arm()

    def hit_running(self, fault: Fault) -> None:
        """A fault begins: running requests that it hits get it with their next token."""
        for job in self.running:
            if job.fault is None and self._plan.hits_running(fault):
                job.fault = fault
                job.fault_after = job.sent

    def _arm(self) -> None:
        if self._due:
            self._set_timer(self._due[0][0])

    def _admit(self, at_ns: int) -> None:
        if self._admitting:  # a job that ended at once makes room for the loop below, which goes on
            return
        self._admitting = True
        try:
            self._admit_while_room(at_ns)
        finally:
            self._admitting = False

    def _admit_while_room(self, at_ns: int) -> None:
        config = self._config
        while self.waiting and len(self.running) < config.max_num_seqs:
            job = self.waiting[0]
            held = job.prompt_tokens + job.sent
            if config.kv_tokens and self.running and self.kv_used + held + 1 > config.kv_tokens:
                return
            self.waiting.popleft()
            self.running.add(job)
            self.kv_used += held
            job.running = True
            prefill_ms = config.ttft_ms + config.ttft_per_prompt_token_ms * held
            job.due_ns = at_ns + self._interval_ns(prefill_ms, at_ns, job)
            if job.due_ns <= at_ns:
                self._send_due(job, monotonic_ns())
            else:
                self._push(job)

    def _interval_ns(self, ms: float, at_ns: int, job: Job) -> int:
        if ms == 0:
            return 0
        cold = self._cold.next_factor(len(self.running))
        job.cold += cold > 1
        factor = self._plan.slowness(at_ns) * cold
        sigma = self._config.jitter
        if sigma:
            factor *= math.exp(self._draw.gauss(-sigma * sigma / 2, sigma))
        return round(ms * self._ns_per_ms * factor)

    def _push(self, job: Job) -> None:
        self._pushed += 1
        heappush(self._due, (job.due_ns, self._pushed, job))

    def _send_due(self, job: Job, now_ns: int) -> None:
        limit = job.total if job.fault_after < 0 else job.fault_after
        count = self._count_due(job, now_ns, limit)
        if self._config.kv_tokens and not self._fits(job, count):
            return
        self.kv_used += count
        if job.stream:
            self._stream(job, count, now_ns)
        self._note(job, count, now_ns)
        if job.fault_after >= 0 and job.sent >= job.fault_after:
            self._strike(job, now_ns)
        elif job.sent >= job.total:
            self._complete(job)
        else:
            self._push(job)

    def _count_due(self, job: Job, now_ns: int, limit: int) -> int:
        """How many tokens are due, up to `limit`; moves `due_ns` to what comes next."""
        left = limit - job.sent
        if self._at_once:
            return left
        step, count = self._config.tokens_per_step, 0
        itl_ms = self._config.itl_ms + self._config.itl_per_seq_ms * len(self.running)
        lateness = self._truth.lateness
        while count < left and job.due_ns <= now_ns:
            count += step
            lateness.add(now_ns - job.due_ns)
            job.due_ns += self._interval_ns(itl_ms, job.due_ns, job)
        return min(count, left)

    def _fits(self, job: Job, count: int) -> bool:
        """Preempts the newest running jobs until `count` more tokens fit; False if that was `job` itself."""
        while self.kv_used + count > self._config.kv_tokens and len(self.running) > 1:
            newest = max(self.running, key=lambda other: other.arrival_ns)
            newest.running = False
            newest.preempted += 1
            self.preemptions += 1
            self.running.discard(newest)
            self.kv_used -= newest.prompt_tokens + newest.sent
            self.waiting.appendleft(newest)
            if newest is job:
                return False
        return True

    def _stream(self, job: Job, count: int, now_ns: int) -> None:
        """Writes `count` tokens, with what goes before the first and after the last."""
        rendering, opening, step = job.rendering, job.opening, self._config.tokens_per_step
        parts = []
        if not job.opening:
            job.opening = opening = rendering.opening(job.request_id)
            parts = [_STREAM_HEAD, rendering.role_chunk(opening)]
        place, after = job.start + job.sent, job.sent + count
        ends = after >= job.total and job.fault_after < 0
        last = (count - 1) % step + 1 if ends and count else 0  # the final chunk, which may be short
        if step == 1:
            parts.append(rendering.chunks(opening, place, count - last))
        else:
            for k in range(0, count - last, step):
                parts.append(rendering.chunk_of_several(opening, place + k, min(step, count - last - k), None))
        if ends:
            parts.append(rendering.chunk_of_several(opening, place + count - last, last, job.finish))
            parts.append(rendering.ending(opening, self._usage(job) if job.wants_usage else None))
        job.client.write(b"".join(parts))

    def _note(self, job: Job, count: int, now_ns: int) -> None:
        if count:
            job.first_ns = job.first_ns or now_ns
            job.last_ns = now_ns
            if self._truth.wants_tokens:
                job.token_ns += [now_ns] * count
        job.sent += count
        self.generated_tokens += count

    @staticmethod
    def _usage(job: Job) -> dict[str, int]:
        told = job.total + (job.fault is not None and job.fault.kind is FaultKind.SHORT_COUNT)
        prompt = job.prompt_tokens
        return {"prompt_tokens": prompt, "completion_tokens": told, "total_tokens": prompt + told}

    def _complete(self, job: Job) -> None:
        if not job.stream:
            body = job.rendering.whole(job.request_id, job.start, job.total, job.finish, self._usage(job))
            job.client.write(head("200 OK", "application/json", f"content-length: {len(body)}") + body)
        self.finished[job.finish] += 1
        self._leave(job, "faulted" if job.fault else "done")
        job.client.finished()
        self._admit(job.last_ns or monotonic_ns())

    def _strike(self, job: Job, now_ns: int) -> None:
        """The fault in the middle of a reply."""
        assert job.fault is not None
        client = job.client
        match job.fault.kind:
            case FaultKind.HANG:
                end_ns = self._plan.end_ns(job.fault)
                job.fault_after = -1
                job.due_ns = _NEVER_NS if end_ns is None else max(end_ns, job.due_ns)
                if end_ns is not None:
                    self._push(job)
                return
            case FaultKind.MALFORMED_SSE:
                client.write(b"%x\r\n%b\r\n" % (len(_BROKEN_EVENT), _BROKEN_EVENT))
            case FaultKind.GARBAGE:
                client.write(b"\x00\xff\x17garbage\x80\xfe\r\n\r\n")
            case FaultKind.HALF_CLOSE:
                client.half_close()
            case _:
                client.reset()
        self._leave(job, "faulted")
        self._admit(now_ns)

    def _leave(self, job: Job, status: str) -> None:
        job.gone = True
        if job.running:
            job.running = False
            self.running.discard(job)
            self.kv_used -= job.prompt_tokens + job.sent
        self._truth.add(job, monotonic_ns(), status)
