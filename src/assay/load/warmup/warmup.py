"""The course of a warm-up.

One short answer alone comes first and one last: the difference of their TTFT is the cost of a cold start. Between
them each endpoint is sent waves of prompts as long as the run's, as many at once as the run will have in flight there,
until the token rates of two waves in a row agree (`Rule`) or the limit of time would be passed. An endpoint whose
window isn't known gets more and more prompts at once before, doubling, each number until its rate is steady, until
throughput grows by less than 10 %.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from assay.digits import percent_text
from assay.load.frames import Done
from assay.load.hub import Hub
from assay.load.plan import LoadPlan
from assay.load.transport import Outcome
from assay.load.warmup.places import Alone, largest_window, places
from assay.load.warmup.requests import Requests
from assay.load.warmup.steady import Rule
from assay.runs import WarmupFacts
from assay.runs.progress import WarmupWave

_FIRST_WINDOW = 8
_LEAST_GAIN = 1.10
_OUTCOMES = list(Outcome)


@dataclass
class EndpointWarmup:
    """What warm-up learnt of one endpoint."""

    window: int | None
    failure: str = ""
    alone: list[Alone] = field(default_factory=list)
    places: int = 0
    rates: list[float] = field(default_factory=list)
    """Output tokens/s of the waves of so many places."""
    rate: float = 0.0
    """Answers a second in the last wave."""
    steady: bool = False

    def fill(self, number: int) -> None:
        """Waves of another number of places follow."""
        self.places, self.rates, self.steady = number, [], False


class Warmup:
    """Runs the warm-up through the workers that the test will use."""

    def __init__(
        self,
        plan: LoadPlan,
        hub: Hub,
        stopped: Callable[[], bool],
        tell: Callable[[int, dict[str, WarmupWave]], None],
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """`tell` hears of each wave: its number, and the endpoints that took part by name."""
        self._plan = plan
        self._stopped = stopped
        self._tell = tell
        self._clock = clock
        self._rule = Rule(plan.warmup.tolerance)
        self._requests = Requests(plan, hub, stopped)
        self._started_ns = clock()
        self._waves = 0
        self.endpoints = [EndpointWarmup(endpoint.window) for endpoint in plan.endpoints]

    def run(self) -> WarmupFacts:
        if self._plan.warmup.prompts:
            self._one_alone()
            self._find_windows()
            self._until_steady({index: self._places(index) for index in self._alive()})
            self._one_alone()
        for endpoint in self.endpoints:
            endpoint.window = endpoint.window or _FIRST_WINDOW
        return self._facts()

    def failures(self) -> dict[str, str]:
        """The endpoints that answered nothing: why, in their words."""
        named = zip(self._plan.endpoints, self.endpoints, strict=True)
        return {plan.name: endpoint.failure for plan, endpoint in named if endpoint.failure}

    def _alive(self) -> list[int]:
        return [index for index, endpoint in enumerate(self.endpoints) if not endpoint.failure]

    def _places(self, index: int) -> int:
        endpoint = self.endpoints[index]
        return places(self._plan, endpoint.window or _FIRST_WINDOW, endpoint.alone[-1] if endpoint.alone else None)

    def _one_alone(self) -> None:
        for index, dones in self._requests.send(dict.fromkeys(self._alive(), 1), short=True).items():
            if good := self._good(index, dones):
                done = good[0]
                tpot_ns = (done.last_ns - done.first_ns) // max(1, _tokens(done) - 1)
                self.endpoints[index].alone.append(Alone(done.first_ns - done.sent_ns, tpot_ns))

    def _good(self, index: int, dones: list[Done]) -> list[Done]:
        good = [done for done in dones if _OUTCOMES[done.outcome] is Outcome.OK]
        if not good:
            self.endpoints[index].failure = dones[-1].detail if dones else "stopped before an answer"
        return good

    def _until_steady(self, wanted: dict[int, int]) -> None:
        """Waves of so many places by endpoint; all keep their load until the last of them is steady."""
        for index, number in wanted.items():
            self.endpoints[index].fill(number)
        left = set(wanted)
        while left and not self._stopped():
            begun_ns = self._clock()
            rates = self._wave({i: number for i, number in wanted.items() if not self.endpoints[i].failure})
            for index in list(left):
                endpoint = self.endpoints[index]
                endpoint.rates += rates.get(index, [])
                endpoint.steady = self._rule.steady(endpoint.rates)
                if endpoint.failure or self._rule.over(endpoint.rates):
                    left.discard(index)
            self._tell(self._waves, self._facts_of_wave(wanted))
            if self._plan.mode == "accuracy" or self._no_time_for(self._clock() - begun_ns):
                return

    def _no_time_for(self, more_ns: int) -> bool:
        return self._clock() + more_ns - self._started_ns > self._plan.warmup.limit_s * 1e9

    def _wave(self, counts: dict[int, int]) -> dict[int, list[float]]:
        """The token rate of each endpoint that answered."""
        self._waves += 1
        rates = {}
        for index, dones in self._requests.send(counts).items():
            if good := self._good(index, dones):
                endpoint = self.endpoints[index]
                took_ns = max(done.done_ns for done in dones) - min(done.sent_ns for done in good)
                seconds = max(1, took_ns) / 1e9
                endpoint.rate = len(good) / seconds
                rates[index] = [sum(map(_tokens, good)) / seconds]
        return rates

    def _find_windows(self) -> None:
        most = largest_window(self._plan)
        searching = {i: (_FIRST_WINDOW, 0.0) for i in self._alive() if self.endpoints[i].window is None}
        while searching and not self._stopped():
            self._until_steady({index: concurrency for index, (concurrency, _) in searching.items()})
            out_of_time = self._no_time_for(0)
            for index, (concurrency, before) in list(searching.items()):
                endpoint = self.endpoints[index]
                grown = endpoint.rate >= _LEAST_GAIN * before
                if grown and not endpoint.failure and not out_of_time and concurrency < most:
                    searching[index] = (concurrency * 2, endpoint.rate)
                else:
                    endpoint.window = concurrency
                    del searching[index]

    def _facts_of_wave(self, taking_part: dict[int, int]) -> dict[str, WarmupWave]:
        return {
            self._plan.endpoints[index].name: WarmupWave(
                places=endpoint.places, tokens_per_s=endpoint.rates[-1], steady=endpoint.steady
            )
            for index in taking_part
            if (endpoint := self.endpoints[index]).rates
        }

    def _facts(self) -> WarmupFacts:
        rule, alive = self._plan.warmup, [self.endpoints[index] for index in self._alive()]
        named = zip(self._plan.endpoints, self.endpoints, strict=True)
        waves = {plan.name: endpoint for plan, endpoint in named if endpoint.rates}
        both = [endpoint.alone for endpoint in alive if len(endpoint.alone) > 1]
        return WarmupFacts(
            requests=self._requests.sent,
            settled=bool(waves) and all(endpoint.steady for endpoint in alive),
            first_ttft_ns=max((alone[0].ttft_ns for alone in both), default=None),
            settled_ttft_ns=max((alone[-1].ttft_ns for alone in both), default=None),
            duration_ns=self._clock() - self._started_ns,
            rule=f"prompts as long as the run's, as many at once as it has in flight, until the token rates of two "
            f"waves in a row differ by at most {percent_text(rule.tolerance, 0)} or rise no more, "
            f"{rule.limit_s:g} s at most",
            waves={name: endpoint.rates for name, endpoint in waves.items()},
            places={name: endpoint.places for name, endpoint in waves.items()},
            tolerance=rule.tolerance if waves else None,
        )


def _tokens(done: Done) -> int:
    return done.output_tokens if done.output_tokens >= 0 else done.chunks
