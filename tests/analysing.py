"""Synthetic runs, analysed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tests.synthetic import Plan, write_run

from assay.analysis.run import RunAnalysis, analyse_run

Analyse = Callable[[Plan], RunAnalysis]


def analysing_in(folder: Path) -> Analyse:
    """Writes each plan's run below the folder, and analyses it."""

    def analyse(plan: Plan) -> RunAnalysis:
        count = len(list(folder.iterdir()))
        return analyse_run(write_run(folder, replace(plan, run_id=f"run-{count}")))

    return analyse
