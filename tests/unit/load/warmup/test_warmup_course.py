"""The warm-up against endpoints played in a time of their own: how many waves, and what the run then finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.simulated import make_plan

from assay.load.frames import Done, Send
from assay.load.hub import Messages
from assay.load.plan import LoadPlan, WarmupPlan
from assay.load.transport import Outcome
from assay.load.warmup import Warmup
from assay.runs import WarmupFacts
from assay.runs.progress import WarmupWave

SECOND = 1_000_000_000
OK = list(Outcome).index(Outcome.OK)
REFUSED = list(Outcome).index(Outcome.HTTP_4XX)
TOKENS = 10


@dataclass
class Endpoints:
    """A hub whose endpoints answer all that they were sent at once, after `seconds(endpoint, requests, wave)`."""

    seconds: Callable[[int, int, int], float]
    refused: frozenset[int] = frozenset()
    """Prompts that are refused, by their numbers."""
    now_ns: int = SECOND
    waves: dict[int, list[int]] = field(default_factory=dict)
    bodies: list[int] = field(default_factory=list)
    _waiting: list[Send] = field(default_factory=list)

    def send(self, sends: Sequence[Send]) -> None:
        self._waiting += sends
        self.bodies += [send.qsl_idx for send in sends]

    def poll(self, _timeout_s: float) -> Messages:
        sent, self._waiting, begun_ns = self._waiting, [], self.now_ns
        done = []
        for endpoint in sorted({send.endpoint for send in sent}):
            own = [send for send in sent if send.endpoint == endpoint]
            waves = self.waves.setdefault(endpoint, [])
            end_ns = begun_ns + round(self.seconds(endpoint, len(own), len(waves)) * 1e9)
            waves.append(len(own))
            self.now_ns = max(self.now_ns, end_ns)
            for s in own:
                outcome, words = (REFUSED, "too long") if s.qsl_idx in self.refused else (OK, "")
                done.append(
                    Done(s.sample, s.attempt, endpoint, outcome, TOKENS, TOKENS, begun_ns, begun_ns + 1000, end_ns,
                         end_ns, 0, b"", words)
                )  # fmt: skip
        return Messages(dones=done)


def plan_of(folder: Path, endpoints: int = 1, **changes: Any) -> LoadPlan:
    plan = make_plan(folder / "run", [f"http://e{i}" for i in range(endpoints)], warmup_prompts=16, samples=64, **{
        key: value for key, value in changes.items() if key not in ("tolerance", "limit_s")
    })  # fmt: skip
    rule = {key: changes[key] for key in ("tolerance", "limit_s") if key in changes}
    return plan.model_copy(update={"warmup": WarmupPlan(prompts=16, **rule)})


def warm(plan: LoadPlan, hub: Endpoints) -> tuple[WarmupFacts, list[dict[str, WarmupWave]]]:
    told: list[dict[str, WarmupWave]] = []
    made = Warmup(plan, hub, lambda: False, lambda _, wave: told.append(wave), lambda: hub.now_ns)  # type: ignore[arg-type]
    return made.run(), told


def cold(slow: float, uses: int) -> Callable[[int, int, int], float]:
    """A wave takes a second, and the first ones up to `slow` times as long: each use of a batch size counts once."""
    seen: dict[tuple[int, int], int] = {}

    def seconds(endpoint: int, requests: int, _wave: int) -> float:
        used = seen.get((endpoint, requests), 0)
        seen[endpoint, requests] = used + 1
        return 1 + (slow - 1) * max(0.0, 1 - used / uses)

    return seconds


@pytest.mark.parametrize("uses", [1, 2, 4, 8])
def test_after_a_warm_up_the_first_run_is_as_fast_as_the_next(tmp_path: Path, uses: int) -> None:
    seconds = cold(3, uses)
    facts, _ = warm(plan_of(tmp_path), Endpoints(seconds))
    assert facts.settled
    first, later = seconds(0, 8, 0), seconds(0, 8, 0)
    assert later / first >= 0.97


def test_a_warm_server_passes_after_two_waves(tmp_path: Path) -> None:
    hub = Endpoints(lambda endpoint, requests, wave: 1.0)
    facts, told = warm(plan_of(tmp_path), hub)
    assert hub.waves == {0: [1, 8, 8, 1]}
    assert facts.settled
    assert facts.waves == {"sim0": [80.0, 80.0]}
    assert facts.places == {"sim0": 8}
    assert [wave["sim0"].steady for wave in told] == [False, True]


def test_a_server_that_varies_and_gets_no_faster_isnt_waited_for(tmp_path: Path) -> None:
    took = [0.1, 1.0, 1.25, 1.0, 1.25, 1.0, 1.25, 1.0, 1.25, 1.0]
    hub = Endpoints(lambda endpoint, requests, wave: took[wave])
    facts, _ = warm(plan_of(tmp_path), hub)
    assert not facts.settled
    assert hub.waves == {0: [1, 8, 8, 8, 1]}


def test_one_slow_wave_between_faster_ones_is_no_end(tmp_path: Path) -> None:
    took = [0.1, 3.0, 1.0, 1.5, 0.9, 0.9, 0.1]
    hub = Endpoints(lambda endpoint, requests, wave: took[wave])
    facts, _ = warm(plan_of(tmp_path), hub)
    assert facts.waves["sim0"] == pytest.approx([80 / 3, 80, 80 / 1.5, 80 / 0.9, 80 / 0.9])
    assert facts.settled


def test_no_wave_is_begun_that_would_end_after_the_limit(tmp_path: Path) -> None:
    hub = Endpoints(cold(100, 20))
    facts, _ = warm(plan_of(tmp_path, limit_s=350.0), hub)
    assert not facts.settled
    assert len(facts.waves["sim0"]) == 2  # of 100 s and 95 s, after one alone of 100 s: a third would end after 385 s
    assert facts.duration_ns <= 400 * SECOND


def test_all_keep_their_load_until_the_last_is_steady(tmp_path: Path) -> None:
    uses = {0: cold(3, 1), 1: cold(3, 6)}
    hub = Endpoints(lambda endpoint, requests, wave: uses[endpoint](endpoint, requests, wave))
    facts, _ = warm(plan_of(tmp_path, endpoints=2), hub)
    assert facts.settled
    assert hub.waves[0] == hub.waves[1]
    assert len(facts.waves["sim0"]) < len(facts.waves["sim1"])


def test_the_search_for_a_window_waits_out_first_uses(tmp_path: Path) -> None:
    """Twice as many take as long until 32, and twice as long beyond; the first use of each number takes nine times."""

    def seconds(requests: int) -> float:
        return max(1.0, requests / 32)

    first = cold(9, 1)
    hub = Endpoints(lambda endpoint, requests, wave: seconds(requests) * first(endpoint, requests, wave))
    plan = plan_of(tmp_path, window=None, loadgen={"official": True})
    made = Warmup(plan, hub, lambda: False, lambda *_: None, lambda: hub.now_ns)  # type: ignore[arg-type]
    made.run()
    assert made.endpoints[0].window == 64


def test_no_window_is_looked_for_that_the_runs_samples_cant_fill(tmp_path: Path) -> None:
    hub = Endpoints(lambda endpoint, requests, wave: 1.0)
    facts, _ = warm(plan_of(tmp_path, window=None), hub)  # twice as many are always twice as fast; 64 samples
    assert max(hub.waves[0]) == 64
    assert facts.places == {"sim0": 64}


@pytest.mark.parametrize(("samples", "endpoints", "places"), [(64, 1, 8), (4, 1, 4), (5, 2, 3)])
def test_an_accuracy_run_has_one_small_wave(tmp_path: Path, samples: int, endpoints: int, places: int) -> None:
    hub = Endpoints(cold(3, 9))
    plan = plan_of(tmp_path, endpoints, mode="accuracy", window=64)
    warm(plan.model_copy(update={"samples": samples}), hub)
    assert hub.waves == {endpoint: [1, places, 1] for endpoint in range(endpoints)}


def test_prompts_take_turns_and_the_short_one_is_only_sent_alone(tmp_path: Path) -> None:
    hub = Endpoints(lambda endpoint, requests, wave: 1.0)
    warm(plan_of(tmp_path), hub)
    assert hub.bodies == [80, *range(64, 80), 80]


@pytest.mark.parametrize("refused", [{80}, {80, 64, 65}, set(range(64, 79))])
def test_prompts_that_are_refused_are_replaced_and_not_sent_again(tmp_path: Path, refused: set[int]) -> None:
    hub = Endpoints(lambda endpoint, requests, wave: 1.0, refused=frozenset(refused))
    made = Warmup(plan_of(tmp_path), hub, lambda: False, lambda *_: None, lambda: hub.now_ns)  # type: ignore[arg-type]
    facts = made.run()
    assert made.failures() == {}
    assert facts.settled
    assert facts.first_ttft_ns is not None
    assert facts.requests == len(hub.bodies)
    answered = [body for body in hub.bodies if body not in refused]
    assert len(answered) == 1 + 8 * len(facts.waves["sim0"]) + 1  # every place of every wave
    assert not refused & set(hub.bodies[-9:])  # the last wave and the last one alone
    assert answered[0] == answered[-1]  # the first and the last one alone are compared


def test_an_endpoint_that_refuses_every_prompt_has_failed(tmp_path: Path) -> None:
    hub = Endpoints(lambda endpoint, requests, wave: 1.0, refused=frozenset(range(64, 81)))
    made = Warmup(plan_of(tmp_path), hub, lambda: False, lambda *_: None, lambda: hub.now_ns)  # type: ignore[arg-type]
    facts = made.run()
    assert made.failures() == {"sim0": "too long"}
    assert sorted(hub.bodies) == list(range(64, 81))
    assert not facts.settled
