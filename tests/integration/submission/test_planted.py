"""A good closed tree, spoilt in one way after another: the check names the rule that each breaks."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.audits import complaints
from tests.forgeries.model import Forgery
from tests.forgeries.submissions import DEFECTS, good_submission

from assay.audit import all_rules, audit_path
from assay.submission import check_tree


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return good_submission(tmp_path_factory.mktemp("good"))


def test_the_good_tree_has_no_findings(good: Path) -> None:
    report = check_tree(good, None, "v6.1").report
    assert complaints(report) == []
    asked = {"tree-files", "system-description", "measurements", "needed-scenarios", "accuracy-log"}
    asked |= {"submitted-round", "same-configuration", "compliance-settings"}
    assert asked | {"compliance-answers"} <= {finding.rule for finding in report.findings}


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_defect_is_found(good: Path, defect: Forgery, tmp_path: Path) -> None:
    tree = Path(shutil.copytree(good, tmp_path / "tree"))
    defect.change(tree)
    report = check_tree(tree, None, "v6.1").report
    assert defect.rule in {finding.rule for finding in report.problems}, complaints(report)


def test_there_are_enough_defects_and_their_rules_exist() -> None:
    assert len({defect.name for defect in DEFECTS}) == len(DEFECTS) >= 30
    assert {defect.rule for defect in DEFECTS} <= {rule.name for rule in all_rules()}


def test_a_part_of_a_tree_is_no_worse_for_what_lies_elsewhere(good: Path, tmp_path: Path) -> None:
    """`assay audit` is given whatever somebody has: that it is a whole submission is said to the check alone."""
    tree = Path(shutil.copytree(good, tmp_path / "tree"))
    shutil.rmtree(tree / "closed/ACME/src")
    shutil.rmtree(tree / "closed/ACME/systems")
    assert complaints(audit_path(tree)) == []
