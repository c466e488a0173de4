"""Each endpoint's scores in an accuracy run, beside the others'."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assay.runs import RunRecord
from assay.runs.requests import read_requests
from assay.runs.result import EndpointScore, EndpointScores
from assay.scoring.intervals import Difference, differences, mean_intervals
from assay.scoring.model import Scores

_NOBODY = -1


def endpoint_scores(record: RunRecord, requests: Path, indices: Sequence[int], scores: Scores) -> list[EndpointScores]:
    """In the record's order; empty where one endpoint answered all.

    Args:
        record: the run's.
        requests: its requests.parquet, which knows who answered what.
        indices: the samples' of the answers, in the order of their scores.
        scores: the scorer's, over all answers.
    """
    codes, lengths = _answered(requests, [endpoint.name for endpoint in record.endpoints], indices)
    known = codes != _NOBODY
    present = [int(code) for code in np.unique(codes[known])]
    if len(present) < 2:
        return []
    tests = len(present) * len(scores.per_sample)
    against, everywhere = {}, {}
    for name, values in scores.per_sample.items():
        has = known & ~np.isnan(values)  # the metric isn't one of every answer
        if set(present) <= set(codes[has].tolist()):
            everywhere[name] = values
            against[name] = differences(values[has], codes[has], lengths[has], tests)
    found = []
    for code in present:
        own = {name: values[codes == code] for name, values in everywhere.items()}
        intervals = mean_intervals(own)
        parts = {name: _score(values, intervals[name], against[name].get(code)) for name, values in own.items()}
        endpoint, count = record.endpoints[code], int((codes == code).sum())
        found.append(EndpointScores(endpoint=endpoint.name, node=endpoint.node, samples=count, scores=parts))
    return found


def _score(
    values: NDArray[np.float64], interval: tuple[float, float] | None, other: Difference | None
) -> EndpointScore:
    low, high = interval or (None, None)
    score = EndpointScore(value=float(np.nanmean(values)), low=low, high=high)
    if other is not None:
        score.difference, score.difference_low, score.difference_high = other.value, other.low, other.high
    return score


def _answered(
    requests: Path, endpoints: list[str], indices: Sequence[int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each answer: the place of the endpoint that gave it, and its prompt's length in tokens."""
    rows = read_requests(requests, ["qsl_idx", "final", "status", "endpoint", "input_tokens"]).to_pylist()
    places = {name: place for place, name in enumerate(endpoints)}
    found = {
        row["qsl_idx"]: (places.get(row["endpoint"], _NOBODY), row["input_tokens"] or 0)
        for row in rows
        if row["final"] and row["status"] == "ok"
    }
    pairs = np.array([found.get(index, (_NOBODY, 0)) for index in indices], dtype=np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]
