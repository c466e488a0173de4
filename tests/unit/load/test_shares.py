"""Which worker carries which endpoint."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from assay.load.shares import Shares


def carried(loads: list[float], workers: int) -> list[float]:
    """Each worker's load where every endpoint has 600 requests in flight that stand for its load."""
    shares = Shares(loads, workers)
    found = [0.0] * workers
    for endpoint, load in enumerate(loads):
        for _ in range(600):
            found[shares.take(endpoint)] += load / 600
    return found


def test_small_endpoints_belong_to_one_worker_each_and_balance_by_load_not_by_number() -> None:
    loads = [1.0, 0.25, 0.25, 0.25, 0.25, 1.0, *[0.5] * 10]
    shares = Shares(loads, 2)
    assert [shares.sharers(endpoint) for endpoint in range(len(loads))] == [1] * len(loads)
    assert all(len({shares.take(endpoint) for _ in range(5)}) == 1 for endpoint in range(len(loads)))
    assert carried(loads, 2) == pytest.approx([4.0, 4.0])


def test_a_large_endpoint_belongs_to_all_workers() -> None:
    shares = Shares([16.0, *[0.25] * 8], 6)
    assert shares.sharers(0) == 6
    assert [shares.sharers(endpoint) for endpoint in range(1, 9)] == [1] * 8
    assert Counter(shares.take(0) for _ in range(4096)) == Counter({0: 683, 1: 683, 2: 683, 3: 683, 4: 682, 5: 682})


@pytest.mark.parametrize("seed", range(20))
def test_no_worker_carries_a_quarter_more_than_its_share(seed: int) -> None:
    draws = random.Random(seed)
    workers = draws.randint(1, 20)
    loads = [draws.lognormvariate(0, 1.5) for _ in range(draws.randint(1, 200))]
    assert max(carried(loads, workers)) <= 1.25 * sum(loads) / workers + 0.01 * sum(loads)


def test_no_worker_has_more_in_flight_at_a_shared_endpoint_than_its_part_of_the_window() -> None:
    """A connection for each request in flight: workers that took turns would open many more between them."""
    draws, window, workers = random.Random(1), 64, 6
    shares = Shares([4.0], workers)
    flying: list[int] = []
    most = Counter[int]()
    for _ in range(5000):
        if len(flying) == window or (flying and draws.random() < 0.4):
            shares.over(0, flying.pop(draws.randrange(len(flying))))
        else:
            flying.append(shares.take(0))
            most[flying[-1]] = max(most[flying[-1]], flying.count(flying[-1]))
    assert max(most.values()) == 11  # 64 / 6, rounded up
    assert sum(most.values()) <= window + workers


def test_the_one_that_probes_is_one_of_an_endpoints() -> None:
    shares = Shares([1.0, 1.0, 0.1, 0.1, 0.1, 0.1], 2)
    for endpoint in range(6):
        assert shares.sharers(endpoint) == 2 or shares.first(endpoint) == shares.take(endpoint)
