"""Samples and parts of them: the same columns, whichever way they were picked."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from tests.synthetic import Plan, write_run

from assay.analysis.samples import MISSING, Samples, read_samples
from assay.runs import read_requests

OF_ALL = ("endpoints", "until_ns", "over_ns", "unanswered_ns")
COLUMNS = [field.name for field in fields(Samples) if field.name not in OF_ALL]
NAMES = ("node-a-0", "node-b-0")


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    folder = write_run(tmp_path_factory.mktemp("samples"), Plan(samples=300, failed=3, lost=2, resent=4))
    return read_samples(folder.requests, NAMES)


def test_a_part_has_the_columns_of_its_rows(samples: Samples) -> None:
    mask = samples.output_tokens > 70
    part = samples.where(mask)
    within = part.where(part.input_tokens > 700)
    rows = np.flatnonzero(mask)[samples.input_tokens[mask] > 700]
    assert 0 < len(within) < len(part) < len(samples)
    for name in COLUMNS:
        assert (getattr(within, name) == getattr(samples, name)[rows]).all(), name
    assert (within.tpot_ns == samples.where(np.isin(np.arange(len(samples)), rows)).tpot_ns).all()
    assert part.end_ns == int(part.done_ns.max())
    with pytest.raises(AttributeError):
        _ = part.nothing  # type: ignore[attr-defined]


def test_each_endpoints_part_keeps_the_order(samples: Samples) -> None:
    for number, part in enumerate(samples.of_endpoint):
        assert (part.sample_id == samples.sample_id[samples.endpoint == number]).all()
        assert [len(own) for own in part.of_endpoint] == [len(part) * (number == other) for other in (0, 1)]


def test_a_column_that_no_row_has_takes_no_memory(samples: Samples) -> None:
    assert (samples.cached_tokens == MISSING).all()
    assert len(samples.cached_tokens) == len(samples)
    assert samples.cached_tokens.strides == (0,)


def test_endpoints_that_the_run_does_not_name_follow(tmp_path: Path) -> None:
    folder = write_run(tmp_path, Plan(samples=40))
    found = read_samples(folder.requests, ("node-b-0",))
    assert found.endpoints == ("node-b-0", "node-a-0")
    told = dict(
        zip(*(read_requests(folder.requests)[name].to_pylist() for name in ("sample_id", "endpoint")), strict=True)
    )
    for number, name in enumerate(found.endpoints):
        assert {told[sample] for sample in found.of_endpoint[number].sample_id.tolist()} == {name}
