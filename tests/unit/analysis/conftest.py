"""Synthetic runs that several tests read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.synthetic import Plan, write_run

from assay.analysis.run import RunAnalysis, analyse_run

Analyse = Callable[[Plan], RunAnalysis]


@pytest.fixture
def analyse(tmp_path: Path) -> Analyse:
    """Write a plan's run and analyse it."""

    def make(plan: Plan) -> RunAnalysis:
        count = len(list(tmp_path.iterdir()))
        return analyse_run(write_run(tmp_path, replace(plan, run_id=f"run-{count}")))

    return make
