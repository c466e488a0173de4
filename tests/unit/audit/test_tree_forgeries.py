"""Each forgery of a submission tree raises the rule that it names; the true tree raises none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.audits import complaints
from tests.forgeries.model import Forgery
from tests.forgeries.trees import FORGERIES
from tests.forgeries.true_trees import TREES

from assay.audit import audit_path


@pytest.fixture(scope="module")
def true_trees(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: make(tmp_path_factory.mktemp(name)) for name, make in TREES.items()}


@pytest.mark.parametrize("name", TREES)
def test_a_true_tree_is_clean(true_trees: dict[str, Path], name: str) -> None:
    report = audit_path(true_trees[name])
    assert complaints(report) == []
    assert report.rows


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda forgery: forgery.name)
def test_a_forged_tree_raises_its_rule(true_trees: dict[str, Path], forgery: Forgery, tmp_path: Path) -> None:
    root = Path(shutil.copytree(true_trees[forgery.base], tmp_path / "tree"))
    forgery.change(root)
    report = audit_path(root)
    assert forgery.rule in {finding.rule for finding in report.problems}, complaints(report)


def test_there_are_enough_kinds() -> None:
    assert len({forgery.name for forgery in FORGERIES}) == len(FORGERIES) >= 15
