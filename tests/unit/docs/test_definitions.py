"""A quantity has one definition: that of the code, in every place that defines it."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.analysis.distributions import FORMULAS

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize("page", ["glossary.md", "analysis.md"])
def test_itl_is_what_the_code_computes(page: str) -> None:
    (row,) = [line for line in (DOCS / page).read_text().splitlines() if line.startswith("| ITL |")]
    gap, _ = FORMULAS["itl_ns"].split(", to 1 us")
    assert gap.replace("gap ", "gaps ") in row
