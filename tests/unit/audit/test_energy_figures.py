"""Energy and cost that a run's result states are held against its telemetry and its record."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.synthetic import Plan, write_run

from assay.analysis import summarise
from assay.analysis.expenses import COST
from assay.audit import audit_path
from assay.runs import RunFolder, read_record, write_json
from assay.runs.cost import CostFacts


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = write_run(tmp_path, Plan(samples=300))
    cost = CostFacts(currency="EUR", per_hour={"node-a": 2.0, "node-b": 2.0})
    write_json(made.record, read_record(made).model_copy(update={"cost": cost}))
    write_json(made.result, summarise(made))
    return made


def derived(folder: RunFolder) -> list[str]:
    """What is said of figures that don't follow from the other files."""
    return [finding.statement for finding in audit_path(folder.path).problems if finding.rule == "derived"]


def test_true_figures_are_left_alone(folder: RunFolder) -> None:
    assert derived(folder) == []


@pytest.mark.parametrize("name", ["energy_j", "mean_power_w", "joules_per_output_token", COST])
def test_a_figure_that_was_made_smaller_is_found(folder: RunFolder, name: str) -> None:
    result = summarise(folder)
    stated = result.figures[name]
    result.figures[name] = stated.model_copy(update={"value": 0.9 * stated.value})
    write_json(folder.result, result)
    (claim,) = derived(folder)
    assert claim.startswith(f"{name} {0.9 * stated.value:.6g}")


def test_a_price_that_was_lowered_afterwards_is_found(folder: RunFolder) -> None:
    cheaper = CostFacts(currency="EUR", per_hour={"node-a": 1.0, "node-b": 1.0})
    write_json(folder.record, read_record(folder).model_copy(update={"cost": cheaper}))
    assert [claim.split()[0] for claim in derived(folder)] == [COST]
