"""Each forgery of a run's or a campaign's folder raises the rule that it names; the true ones raise none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.audits import complaints
from tests.forgeries.folders import FORGERIES
from tests.forgeries.model import Forgery
from tests.forgeries.true_runs import CAMPAIGNS, recorded

from assay.analysis import summarise
from assay.audit import audit_path
from assay.runs import RunFolder, write_json

EARLIER = Path(__file__).resolve().parents[2] / "recorded" / "campaign-before-benchmark-json"


@pytest.fixture(scope="module")
def true_campaigns(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return recorded(tmp_path_factory.mktemp("true"))


@pytest.mark.parametrize("name", CAMPAIGNS)
def test_a_true_campaign_is_clean_and_stays_so_when_rendered_again(
    true_campaigns: dict[str, Path], name: str, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(true_campaigns[name], tmp_path / "campaign"))
    assert complaints(audit_path(root)) == []
    for path in (root / "runs").iterdir():
        folder = RunFolder(path)
        write_json(folder.result, summarise(folder))
        assert complaints(audit_path(path)) == []
    assert complaints(audit_path(root)) == []


def test_a_campaign_of_an_earlier_version_is_clean() -> None:
    assert complaints(audit_path(EARLIER)) == []


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda forgery: forgery.name)
def test_a_forged_folder_raises_its_rule(true_campaigns: dict[str, Path], forgery: Forgery, tmp_path: Path) -> None:
    root = Path(shutil.copytree(true_campaigns[forgery.base], tmp_path / "campaign"))
    forgery.change(root)
    report = audit_path(root)
    assert forgery.rule in {finding.rule for finding in report.problems}, complaints(report)


@pytest.mark.parametrize("file", ["result.json", "requests.parquet"])
def test_a_damaged_file_is_called_so_and_its_source_isnt_loadgen(
    true_campaigns: dict[str, Path], file: str, tmp_path: Path
) -> None:
    run = next((true_campaigns["pacer"] / "runs").glob("*-rate-*"))
    root = Path(shutil.copytree(run, tmp_path / run.name))
    (root / file).write_text('{"a')
    found = [finding for finding in audit_path(root).problems if finding.rule == "log-integrity"]
    assert [file for finding in found if file in finding.arithmetic and "can't be read" in finding.arithmetic]
    assert not [finding for finding in found if "missing" in finding.arithmetic or "loadgen" in finding.source]


def test_there_are_enough_kinds() -> None:
    assert len({forgery.name for forgery in FORGERIES}) == len(FORGERIES) >= 45
