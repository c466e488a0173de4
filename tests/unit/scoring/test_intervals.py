"""Intervals of scores, and endpoints' against each other: by coverage on generated data whose truth is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.synthetic import Node, Plan, write_run

from assay.runs import read_record
from assay.runs.result import AccuracyResult
from assay.scoring import Scores, endpoint_scores
from assay.scoring.intervals import differences, mean_intervals

SKEWED = 12.0  # like ROUGE: a long tail to the right
RIGHT = 0.9  # like exact match


def rouge_like(draw: np.random.Generator, count: int) -> np.ndarray:
    return np.minimum(100.0, draw.gamma(4.0, SKEWED / 4, count))


def right_or_wrong(draw: np.random.Generator, count: int) -> np.ndarray:
    return 100.0 * (draw.random(count) < RIGHT)


@pytest.mark.parametrize(("scores", "truth"), [(rouge_like, SKEWED), (right_or_wrong, 100 * RIGHT)])
def test_the_interval_holds_the_true_mean_as_often_as_it_says(scores: object, truth: float) -> None:
    draw = np.random.default_rng(1)
    held = 0
    for _ in range(100):
        interval = mean_intervals({"m": scores(draw, 120)})["m"]  # type: ignore[operator]
        assert interval is not None
        held += interval[0] <= truth <= interval[1]
    assert 0.90 <= held / 100 <= 0.99


def test_the_same_scores_have_the_same_interval_and_few_or_like_ones_none() -> None:
    values = rouge_like(np.random.default_rng(2), 500)
    assert mean_intervals({"m": values}) == mean_intervals({"m": values.copy()})
    assert mean_intervals({"m": values[:9]}) == {"m": None}
    assert mean_intervals({"m": np.full(50, 100.0)}) == {"m": None}
    assert mean_intervals({}) == {}


@pytest.mark.parametrize("scores", [rouge_like, right_or_wrong])
@pytest.mark.parametrize("endpoints", [2, 16])
def test_a_hundred_clean_runs_call_no_endpoint_worse(scores: object, endpoints: int) -> None:
    """Also where answers to long prompts score less, and a slow endpoint gets few of these."""
    draw = np.random.default_rng(endpoints)
    for _ in range(100):
        count = int(draw.integers(20, 120)) * endpoints
        lengths = draw.integers(100, 1000, count)
        slow = draw.random(count) < 0.2 + 0.6 * (lengths < 500)
        codes = np.where(slow, 0, draw.integers(1, endpoints, count))
        values = scores(draw, count) - 30.0 * (lengths / 1000)  # type: ignore[operator]
        found = differences(values, codes, lengths, tests=endpoints)
        assert not [code for code, other in found.items() if other is not None and other.high < 0]


def test_an_endpoint_whose_answers_are_worse_is_found() -> None:
    draw = np.random.default_rng(5)
    codes = draw.integers(0, 8, 4000)
    values = rouge_like(draw, 4000)
    values[codes == 3] *= 0.8
    found = differences(values, codes, np.full(4000, 10), tests=8)
    assert [code for code, other in found.items() if other is not None and other.high < 0] == [3]
    assert found[3] is not None
    assert found[3].low < -0.2 * SKEWED < found[3].high


def test_an_endpoint_with_one_score_for_all_is_compared_too() -> None:
    codes = np.repeat([0, 1], 50)
    found = differences(np.where(codes == 0, 0.0, 100.0), codes, np.arange(100) % 7, tests=2)
    assert found[0] is not None
    assert found[0].high == -100
    assert differences(np.zeros(8), np.arange(8) % 2, np.zeros(8), tests=2) == {0: None, 1: None}


def test_each_endpoints_scores_come_from_the_run_folder(tmp_path: Path) -> None:
    folder = write_run(tmp_path, Plan(samples=200, mode="accuracy"))
    values = rouge_like(np.random.default_rng(3), 200)
    scores = Scores("rouge", {"rouge1": float(values.mean())}, 200, {"rouge1": values})
    found = endpoint_scores(read_record(folder), folder.requests, list(range(200)), scores)
    assert [part.node for part in found] == ["node-a", "node-b"]
    assert sum(part.samples for part in found) == 200
    weighted = sum(part.samples * part.scores["rouge1"].value for part in found) / 200
    assert weighted == pytest.approx(values.mean())
    whole = AccuracyResult(scorer="rouge", scores={}, samples=200, gate="pass", endpoints=found)
    assert AccuracyResult.model_validate_json(whole.model_dump_json()) == whole
    alone = write_run(tmp_path / "alone", Plan(nodes=(Node("node-a"),), samples=200, mode="accuracy"))
    assert endpoint_scores(read_record(alone), alone.requests, list(range(200)), scores) == []


def test_an_endpoints_scores_are_over_its_answers_that_have_them(tmp_path: Path) -> None:
    folder = write_run(tmp_path, Plan(nodes=(Node("node-a"), Node("node-b")), mode="accuracy", samples=200))
    record, draw = read_record(folder), np.random.default_rng(4)
    every = {"m": rouge_like(draw, 200)}
    whole = endpoint_scores(record, folder.requests, list(range(200)), Scores("s", {}, 200, every))
    half = every["m"].copy()
    half[1::2] = np.nan
    found = endpoint_scores(record, folder.requests, list(range(200)), Scores("s", {}, 200, {**every, "half": half}))
    assert [part.samples for part in found] == [part.samples for part in whole]
    for part, before in zip(found, whole, strict=True):
        assert part.scores["m"].value == before.scores["m"].value
        assert 0 < part.scores["half"].value < 100
    nowhere = Scores("s", {}, 200, {**every, "none": np.full(200, np.nan)})
    found = endpoint_scores(record, folder.requests, list(range(200)), nowhere)
    assert all(part.scores.keys() == {"m"} for part in found)
