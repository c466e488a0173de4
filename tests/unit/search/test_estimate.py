"""The limit is where it is, its interval holds it as often as said, and clusters and other limits don't mislead it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.special import ndtri

from assay.search import Criterion, Probe, line, points
from assay.search.criteria import Floats
from assay.search.estimate import Limit, limit_of

TTFT = (Criterion("TTFT", 0.01),)
LIMIT = 20.0


def measured(rate: float, count: int, seed: int, memory: float = 0.98, allowed: float = 0.01) -> Floats:
    """A lognormal TTFT over its limit that grows by the eighth power of the rate; neighbours are alike."""
    random = np.random.default_rng(seed)
    noise = random.standard_normal(count) * np.sqrt(1 - memory**2)
    levels, _ = lfilter([1.0], [1.0, -memory], noise, zi=[memory * random.standard_normal()])
    growth: Floats = (rate / LIMIT) ** 8 * np.exp(0.4 * (levels + ndtri(allowed)))
    return growth


def probe(rate: float, of_limits: Floats) -> Probe:
    return Probe(rate, "refine", len(of_limits) / rate, of_limits.reshape(len(of_limits), -1))


def limit(seed: int, rates: tuple[float, ...] = (19.2, 19.8, 20.4), count: int = 8000) -> Limit:
    probes = [probe(rate, measured(rate, count, 10 * seed + place)) for place, rate in enumerate(rates)]
    found = limit_of(probes, TTFT, 19.6)
    assert found is not None
    return found


def test_its_interval_holds_the_limit() -> None:
    found = [limit(seed) for seed in range(60)]
    held = sum(each.at(-1.96) <= LIMIT <= each.at(1.96) for each in found)
    assert held >= 52
    assert np.median([each.rate for each in found]) == pytest.approx(LIMIT, rel=0.005)
    assert np.std([each.rate for each in found]) / LIMIT == pytest.approx(np.mean([e.error for e in found]), rel=0.5)


def test_more_requests_narrow_it() -> None:
    assert limit(1, count=32_000).error < 0.7 * limit(1, count=8000).error


def test_a_probe_counts_at_the_rate_that_came() -> None:
    """One to which by chance 2 % more came than were to come shows how it is at that rate."""
    found = []
    for came in (None, 20.4):
        probes = [replace(probe(20.0, measured(20.4, 20_000, place)), came=came) for place in range(3)]
        found.append(limit_of(probes, TTFT, 20.0))
    intended, arrived = found
    assert intended is not None
    assert arrived is not None
    assert arrived.rate == pytest.approx(1.02 * intended.rate, rel=0.002)
    assert arrived.rate == pytest.approx(LIMIT, rel=0.02)


def test_neighbours_that_are_alike_widen_it() -> None:
    alike, apart = (
        limit_of([probe(rate, measured(rate, 8000, 7, memory)) for rate in (19.0, 20.0, 21.0)], TTFT, 20.0)
        for memory in (0.99, 0.0)
    )
    assert alike is not None
    assert apart is not None
    assert alike.error > 1.5 * apart.error


def test_the_first_limit_to_break_is_named() -> None:
    criteria = (*TTFT, Criterion("p95(tpot)", 0.05))
    tight = [
        probe(rate, np.column_stack([0.3 * measured(rate, 8000, 1), 1.1 * measured(rate, 8000, 2, allowed=0.05)]))
        for rate in (19.0, 19.5, 20.0)
    ]
    found = limit_of(tight, criteria, 19.5)
    assert found is not None
    assert found.name == "p95(tpot)"
    assert found.rate == pytest.approx(LIMIT / 1.1 ** (1 / 8), rel=0.02)


def test_probes_far_away_and_too_few_requests_say_nothing() -> None:
    assert limit_of([probe(10.0, measured(10.0, 30_000, 1))], TTFT, 20.0) is None
    assert limit_of([probe(20.0, measured(20.0, 300, 1))], TTFT, 20.0) is None


def test_failed_requests_leave_a_finite_answer() -> None:
    failing = measured(20.0, 20_000, 1)
    before = limit_of([probe(20.0, failing)], TTFT, 20.0)
    failing[::200] = np.inf
    after = limit_of([probe(20.0, failing)], TTFT, 20.0)
    assert before is not None
    assert after is not None
    assert np.isfinite([after.rate, after.error]).all()
    assert after.rate < before.rate


def test_probes_that_are_over_by_far_say_nothing_of_where_the_limit_is() -> None:
    failing = measured(20.0, 20_000, 1)
    failing[::4] = np.inf
    assert limit_of([probe(20.0, failing)], TTFT, 20.0) is None


def test_the_curve_holds_what_is_true_and_crosses_the_limit_at_the_rate() -> None:
    rates = (19.0, 19.6, 20.2)
    probes = [probe(rate, measured(rate, 30_000, 10 + place)) for place, rate in enumerate(rates)]
    below, above = line(probes, 0, TTFT[0], 19.6, [0.98 * LIMIT, 1.02 * LIMIT])
    assert below.share.low < below.share.value < 0.01 < above.share.value < above.share.high
    assert below.percentile.low < below.percentile.value < 1 < above.percentile.value < above.percentile.high
    seen = points(list(reversed(probes)), 0, TTFT[0])
    assert [point.rate for point in seen] == list(rates)
    for point in seen:
        true = (point.rate / LIMIT) ** 8
        assert point.percentile.low <= true <= point.percentile.high
        assert point.share.low <= point.share.value <= point.share.high


def test_what_the_client_was_too_slow_for_is_no_point_of_the_curve() -> None:
    slow = Probe(20.0, "refine", 100.0, measured(20.0, 30_000, 1).reshape(-1, 1), client_bound=True)
    assert points([slow], 0, TTFT[0]) == []
    assert line([slow], 0, TTFT[0], 20.0, [20.0]) == []
