"""Which setup is tried next."""

from __future__ import annotations

from pathlib import Path

from tests.campaigns import FAST, config

from assay.campaign.tune_engine.propose import propose
from assay.campaign.tune_engine.space import Point, Space


def space(folder: Path) -> Space:
    settings = {"max_num_seqs": [2, 4, 8, 16, 32], "tokens_per_step": [1, 2], "itl_ms": [1, 2]}
    engine = {**FAST, "speeds": {}}
    return Space(config(folder, engine=engine, campaign={"kind": "tune-engine", "engine": {"settings": settings}}))


def searched(of: Space, tries: int, seed: int = 0) -> dict[Point, float]:
    """The tries of a search whose objective falls with the distance from (1, 3, 0)."""
    tried: dict[Point, float] = {}
    for _ in range(tries):
        point = propose(of, tried, seed)
        assert point is not None
        assert point not in tried
        tried[point] = 100.0 - 10 * sum(abs(a - b) for a, b in zip(point, (1, 3, 0), strict=True))
    return tried


def test_the_next_try_follows_from_the_tries_so_far(tmp_path: Path) -> None:
    of = space(tmp_path)
    whole = searched(of, 9)
    begun = dict(list(whole.items())[:4])
    assert propose(of, begun, 0) == list(whole)[4], "a campaign that goes on tries what it would have tried"
    assert list(searched(of, 9, seed=1)) != list(whole)


def test_all_are_tried_once_and_then_none(tmp_path: Path) -> None:
    of = space(tmp_path)
    assert len(searched(of, of.size)) == of.size == 20
    assert propose(of, searched(of, of.size), 0) is None


def test_what_could_not_be_measured_is_tried_no_more(tmp_path: Path) -> None:
    of = space(tmp_path)
    tried = {point: 0.0 for point in of.points() if point != (1, 4, 1)}
    assert propose(of, tried, 0) == (1, 4, 1)
