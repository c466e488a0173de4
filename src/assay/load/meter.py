"""What the load process counts as samples come and go, and tells as progress. Its cost a sample is some additions."""

from __future__ import annotations

import time
from array import array
from collections.abc import Sequence

import numpy as np

from assay.load.frames import Done
from assay.load.outlook import expected_samples, time_left
from assay.load.plan import LoadPlan
from assay.load.router import Router
from assay.load.source import NO_TIME, Issues
from assay.runs.progress import EndpointProgress, Phase, ProgressEvent
from assay.runs.sketch import Recorder

_OFTEN_NS = 500_000_000
_SELDOM_NS = 2_000_000_000
_EVENTS = 1200  # after so many at the short interval it grows: a day's events must stay small
_FEW = 64  # endpoints: so many are told of in each event
_NS_AN_ENDPOINT = 15_625_000  # of more, so many are told of a second: 1,024 every 16 s
_TIMES = 200  # after so many times that they were told this interval grows too


class _Endpoint:
    """One endpoint's counts."""

    __slots__ = ("completed", "failed", "input_tokens", "output_tokens")

    def __init__(self) -> None:
        self.completed = self.failed = self.input_tokens = self.output_tokens = 0


class Meter:
    """Counts of one load. Samples are known by their id, endpoints by their place in the plan."""

    def __init__(self, plan: LoadPlan) -> None:
        self._plan = plan
        self._clock_offset_ns = time.time_ns() - time.monotonic_ns()
        self._prompt_tokens: list[int] = np.load(plan.prompt_tokens).tolist()
        self.start_ns = array("q")
        """When each sample was due, or issued, by sample_id."""
        self._qsl_idx = array("i")
        self._endpoints = [_Endpoint() for _ in plan.endpoints]
        self._ttft, self._tpot, self._latency = Recorder(), Recorder(), Recorder()
        self.began_ns = 0
        self._endpoints_due_ns = 0
        self._out_told: list[int] = []
        self._estimated = False
        self.failed = 0

    @property
    def clock_offset_ns(self) -> int:
        return self._clock_offset_ns

    @property
    def issued(self) -> int:
        return len(self.start_ns)

    @property
    def completed(self) -> int:
        return sum(endpoint.completed for endpoint in self._endpoints)

    def begin(self, now_ns: int) -> None:
        """The load begins."""
        self.began_ns = now_ns

    def take(self, issues: Issues, issued_ns: Sequence[int]) -> None:
        """These samples were issued; in the order of their ids."""
        if issues.particular:
            columns = zip(issued_ns, issues.particular, strict=True)
            issued_ns = [now_ns if issue.due_ns == NO_TIME else issue.due_ns for now_ns, issue in columns]
        self.start_ns.extend(issued_ns)
        self._qsl_idx.extend(issues.qsl_idx)

    def attempt_failed(self, endpoint: int) -> None:
        self._endpoints[endpoint].failed += 1

    def answered(self, done: Done, output_tokens: int) -> None:
        """A sample was answered."""
        endpoint = self._endpoints[done.endpoint]
        endpoint.completed += 1
        endpoint.input_tokens += self._prompt_tokens[self._qsl_idx[done.sample]]
        endpoint.output_tokens += output_tokens
        self._estimated |= done.output_tokens < 0 and not done.output
        if not done.first_ns:
            return
        start_ns = self.start_ns[done.sample]
        self._ttft.add(done.first_ns - start_ns)
        self._latency.add(done.last_ns - start_ns)
        if output_tokens > 1:
            self._tpot.add((done.last_ns - done.first_ns) // (output_tokens - 1))

    def interval_ns(self, now_ns: int) -> int:
        """How long until progress is told again."""
        return min(_SELDOM_NS, max(_OFTEN_NS, (now_ns - self.began_ns) // _EVENTS))

    def phase(self, router: Router) -> Phase:
        expected = expected_samples(self._plan, self.issued)
        return "drain" if expected is not None and self.issued >= expected and not router.queued else "load"

    def progress(self, router: Router, now_ns: int, *, last: bool = False) -> ProgressEvent:
        """How the load stands; the last event tells of all endpoints, however many they are."""
        elapsed_ns, latency, issued = now_ns - self.began_ns, self._latency.snapshot(), self.issued
        return ProgressEvent(
            time_ns=now_ns,
            clock_offset_ns=self._clock_offset_ns,
            phase=self.phase(router),
            elapsed_ns=elapsed_ns,
            expected=expected_samples(self._plan, issued),
            issued=issued,
            completed=self.completed,
            failed=self.failed,
            in_flight=router.in_flight,
            queued=router.queued,
            input_tokens=sum(endpoint.input_tokens for endpoint in self._endpoints),
            output_tokens=sum(endpoint.output_tokens for endpoint in self._endpoints),
            tokens_estimated=self._estimated,
            endpoints=self._progress_of_each(router) if self._are_due(router, now_ns) or last else {},
            ttft=self._ttft.snapshot(),
            tpot=self._tpot.snapshot(),
            latency=latency,
            left=time_left(
                self._plan,
                elapsed_ns=elapsed_ns,
                issued=issued,
                ended=self.completed + self.failed,
                latency_ns=latency.quantile(0.5),
            ),
        )

    def _are_due(self, router: Router, now_ns: int) -> bool:
        """Whether endpoints are told of now: where they are many seldom, but at once when one is out or back."""
        out = router.out
        if len(self._endpoints) > _FEW and out == self._out_told and now_ns < self._endpoints_due_ns:
            return False
        every_ns = max(len(self._endpoints) * _NS_AN_ENDPOINT, (now_ns - self.began_ns) // _TIMES)
        self._endpoints_due_ns, self._out_told = now_ns + every_ns, out
        return True

    def _progress_of_each(self, router: Router) -> dict[str, EndpointProgress]:
        return {
            plan.name: EndpointProgress(
                completed=own.completed,
                failed=own.failed,
                in_flight=lane.in_flight,
                out=lane.out,
                input_tokens=own.input_tokens,
                output_tokens=own.output_tokens,
            )
            for plan, own, lane in zip(self._plan.endpoints, self._endpoints, router.lanes, strict=True)
        }
