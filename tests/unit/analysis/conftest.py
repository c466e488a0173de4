"""Synthetic runs that several tests read."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.analysing import Analyse, analysing_in


@pytest.fixture
def analyse(tmp_path: Path) -> Analyse:
    """Write a plan's run and analyse it."""
    return analysing_in(tmp_path)
