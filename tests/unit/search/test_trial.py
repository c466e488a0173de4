"""A trial's answers are right, early where the rate is far from the limit, whatever order replies come in."""

from __future__ import annotations

import heapq

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.special import ndtri

from assay.search import Criterion, Request, Trial, came, confirmation, outgrown
from assay.search.criteria import Floats
from assay.search.evidence import dispersion, evidence

TTFT = (Criterion("TTFT", 0.01),)


def measures(count: int, share_over: float, memory: float, seed: int) -> list[float]:
    """Over their limit by `share_over`; neighbours alike as an autoregressive process of that memory makes them."""
    random = np.random.default_rng(seed)
    noise, before = random.standard_normal(count) * np.sqrt(1 - memory**2), random.standard_normal()
    levels, _ = lfilter([1.0], [1.0, -memory], noise, zi=[memory * before])
    return [float(value) for value in np.exp(0.5 * (levels + ndtri(share_over)))]


def told(values: list[float], in_flight: list[int] | None = None) -> Trial:
    trial = Trial(TTFT)
    for number, value in enumerate(values):
        trial.tell(number, Request(number / 10, in_flight[number] if in_flight else 5, (value,)))
        if trial.verdict() != "undecided":
            break
    return trial


@pytest.mark.parametrize("memory", [0.0, 0.9, 0.99])
def test_at_the_limit_a_trial_is_hardly_ever_sure(memory: float) -> None:
    trials = [told(measures(4000, 0.01, memory, seed)) for seed in range(40)]
    assert sum(trial.because == "limits" for trial in trials) <= 6
    assert sum(trial.verdict() == "over" for trial in trials) <= 3


@pytest.mark.parametrize("memory", [0.0, 0.9])
def test_far_from_the_limit_it_is_sure_early_and_right(memory: float) -> None:
    for seed in range(20):
        over, under = (
            told(measures(16_000, 0.15, memory, seed)),
            told([0.9 * v for v in measures(16_000, 1e-5, memory, seed)]),
        )
        assert (over.verdict(), under.verdict()) == ("over", "under")
        assert over.because == "limits"
        assert over.known < 4000


def test_where_none_comes_to_half_of_its_limit_it_waits_no_longer() -> None:
    easy = told([0.4] * 3000)
    assert (easy.verdict(), easy.because) == ("under", "ease")
    assert easy.known < 1000
    assert told([0.4] * 300 + [0.6] + [0.4] * 500).verdict() == "undecided"


def test_a_request_that_is_waited_for_holds_back_those_after_it() -> None:
    values, trial = measures(3000, 0.5, 0.0, 1), Trial(TTFT)
    for number in range(1, 3000):
        trial.tell(number, Request(number / 10, 5, (values[number],)))
        assert trial.verdict() == "undecided"
    trial.tell(0, Request(0.0, 5, (values[0],)))
    assert (trial.known, trial.verdict()) == (3000, "over")


def test_a_queue_that_grows_ends_it_before_the_limits_do() -> None:
    values = [0.2 + number / 300 for number in range(600)]
    growing = told(values, in_flight=list(range(600)))
    assert (growing.verdict(), growing.because) == ("over", "growth")
    steady = told(values, in_flight=[5] * 600)
    assert steady.because != "growth"


def queue(
    seed: int, load: float, places: int, took_s: float, spread: float, count: int = 3000
) -> tuple[Floats, Floats, Floats, Floats]:
    """Of a server with so many places, at so many times its capacity of 18 requests a second: when each request
    arrived and ended, how long it waited (s), and how many others were in flight."""
    random = np.random.default_rng(seed)
    arrived = np.cumsum(random.exponential(took_s / (load * places), count))
    took = took_s * random.lognormal(-(spread**2) / 2, spread, count)
    free, waited, done = [0.0] * places, np.zeros(count), np.zeros(count)
    for number, at in enumerate(arrived):
        begins = max(at, heapq.heappop(free))
        waited[number], done[number] = begins - at, begins + took[number]
        heapq.heappush(free, float(done[number]))
    in_flight = np.arange(count, dtype=np.float64) - np.searchsorted(np.sort(done), arrived)
    return arrived, done, waited, in_flight


def queued(seed: int, load: float, places: int, took_s: float, spread: float, allowed: float) -> Trial:
    """Told of such a server's requests; 2 s of waiting may be."""
    arrived, done, waited, in_flight = queue(seed, load, places, took_s, spread)
    trial = Trial((Criterion("TTFT", allowed),))
    for number in np.argsort(done):
        trial.tell(int(number), Request(arrived[number], int(in_flight[number]), (waited[number] / 2,)))
        if trial.verdict() != "undecided":
            break
    return trial


SERVERS = pytest.mark.parametrize(
    ("places", "took_s", "spread"), [(1, 1 / 18, 0.0), (2, 1 / 9, 1.0), (18, 1.0, 0.0), (18, 1.0, 1.0), (54, 3.0, 0.5)]
)


@SERVERS
@pytest.mark.parametrize("allowed", [0.1, 0.01])
def test_a_rate_of_which_a_queue_grows_slowly_is_never_called_kept(
    places: int, took_s: float, spread: float, allowed: float
) -> None:
    trials = [queued(seed, 1.3, places, took_s, spread, allowed) for seed in range(40)]
    assert [trial.verdict() for trial in trials] == ["over"] * 40


@SERVERS
def test_a_rate_that_a_server_takes_with_ease_is_soon_called_kept(places: int, took_s: float, spread: float) -> None:
    trials = [queued(seed, 0.5, places, took_s, spread, 0.1) for seed in range(20)]
    assert [trial.verdict() for trial in trials] == ["under"] * 20
    assert np.median([trial.known for trial in trials]) < 700


@SERVERS
def test_a_short_run_beyond_capacity_is_not_called_kept(places: int, took_s: float, spread: float) -> None:
    """Although nobody waited too long yet."""
    criteria = (Criterion("TTFT", 0.2),)
    outcomes = []
    for load in (1.3, 0.6):
        runs = [queue(seed, load, places, took_s, spread, count=500) for seed in range(40)]
        assert all((waited / 40 <= 1).all() for _, _, waited, _ in runs)
        outcomes.append(
            [confirmation(waited[:, None] / 40, in_flight, criteria, 1.0).held for _, _, waited, in_flight in runs]
        )
    beyond, below = outcomes
    assert sum(beyond) <= 2
    assert sum(below) >= 36
    assert not confirmation(np.zeros((150, 1)), np.zeros(150), criteria, 1.0).held, "150 requests say nothing"


@pytest.mark.parametrize(("precision", "enough"), [(0.03, 6945), (0.1, 625), (1.0, 200)])
def test_a_rate_holds_only_where_the_chance_of_arrivals_is_within_the_precision(precision: float, enough: int) -> None:
    """A run that is too short for that isn't a failure: it says how long one must be."""
    criteria = (Criterion("TTFT", 0.01),)
    of_limits = np.full((enough, 1), 0.5)
    few = confirmation(of_limits[1:], np.zeros(enough - 1), criteria, precision)
    assert (few.held, few.enough) == (False, enough)
    whole = confirmation(of_limits, np.zeros(enough), criteria, precision)
    assert (whole.held, whole.enough) == (True, 0)
    filling = confirmation(of_limits, np.full(enough, enough / 4), criteria, precision)
    assert (filling.held, filling.enough) == (False, 2 * enough), "eight times as long as a request takes"
    of_limits[: enough // 50 + 1] = 2.0
    broken = confirmation(of_limits[1:], np.zeros(enough - 1), criteria, precision)
    assert (broken.held, broken.enough) == (False, 0), "no more requests would mend it"


@SERVERS
def test_a_rate_just_above_the_capacity_is_hardly_ever_surely_kept(places: int, took_s: float, spread: float) -> None:
    """Nobody waits long yet in the few requests after which the share over the limit is small enough."""
    trials = [queued(seed, 1.05, places, took_s, spread, 0.1) for seed in range(40)]
    assert sum(trial.because == "limits" and trial.verdict() == "under" for trial in trials) <= 4
    assert sum(trial.because == "so far" for trial in trials) >= 1


def test_a_server_that_fills_has_no_queue_that_grows() -> None:
    for count in (150, 300, 600):
        runs = [queue(seed, 0.6, places=54, took_s=3.0, spread=0.5, count=count) for seed in range(40)]
        assert sum(outgrown(in_flight) for *_, in_flight in runs) <= 4
    runs = [queue(seed, 1.3, places=54, took_s=3.0, spread=0.5, count=2000) for seed in range(40)]
    assert sum(outgrown(in_flight) for *_, in_flight in runs) >= 36


def test_no_rate_is_kept_before_a_queue_would_show() -> None:
    busy = told([0.1] * 3000, in_flight=[200] * 3000)
    assert busy.verdict() == "under"
    assert busy.known >= 8 * 200
    filling = told([0.1] * 3000, in_flight=list(range(3000)))
    assert filling.verdict() == "undecided"
    slower = told([0.1 + number / 10_000 for number in range(3000)])
    assert slower.verdict() == "undecided"


def test_the_rate_that_came_is_that_of_the_part_that_counts_whoever_got_no_answer() -> None:
    arrived_s = np.concatenate([np.linspace(0.0, 1.0, 1000, endpoint=False), 1 + np.arange(7001) / 20])
    assert came(arrived_s) == pytest.approx(20)
    arrived_s[1500::3] = np.nan
    arrived_s[-10:] = np.nan
    assert came(arrived_s) == pytest.approx(20)
    assert came(arrived_s[:50]) is None
    assert came(np.full(8000, np.nan)) is None


def test_failed_requests_are_over() -> None:
    assert told([float("inf")] * 400).verdict() == "over"


def test_every_criterion_must_be_kept() -> None:
    trial = Trial((*TTFT, Criterion("TPOT", 0.01)))
    for number, (ttft, tpot) in enumerate(zip(measures(3000, 1e-5, 0, 2), measures(3000, 0.2, 0, 3), strict=True)):
        trial.tell(number, Request(number / 10, 5, (ttft, tpot)))
        trial.verdict()
    assert trial.verdict() == "over"


def test_runs_of_overs_count_as_one() -> None:
    apart = np.where(np.arange(20_000) % 100 == 0, 2.0, 0.5)
    together = np.where(np.arange(20_000) % 10_000 < 100, 2.0, 0.5)
    assert evidence(apart).overs == pytest.approx(200)
    assert evidence(together).overs < 5
    assert evidence(together).share == pytest.approx(evidence(apart).share)
    assert dispersion(np.zeros(100)) == 1.0


def test_a_share_that_may_be_over_is_between_0_and_1() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Criterion("TTFT", 1.0)
