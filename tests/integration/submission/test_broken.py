"""A broken tree gives findings and never a traceback; published trees are read, and are told to be parts of trees."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.audits import complaints
from tests.forgeries.submissions import good_submission
from tests.paths import shared_rounds

from assay.submission import check_tree, checklist_text

_NUMBER = re.compile(r'(?<=[: ])\d+(\.\d+)?(?=[,"}\n ])')
_OF_WHOLE_TREES = {"tree-files", "system-description", "measurements", "needed-scenarios", "submitted-round"}


def _folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def _fifo(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def _loop(file: Path) -> None:
    file.unlink()
    file.symlink_to(file)


def _half(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def _numbers(number: str) -> Callable[[Path], None]:
    return lambda file: file.write_text(_NUMBER.sub(number, file.read_text()))  # type: ignore[func-returns-value]


DAMAGE: dict[str, Callable[[Path], object]] = {
    "gone": Path.unlink,
    "a folder": _folder,
    "a FIFO": _fifo,
    "a link to itself": _loop,
    "empty": lambda file: file.write_bytes(b""),
    "bytes that are no text": lambda file: file.write_bytes(bytes(range(256)) * 64),
    "nested without end": lambda file: file.write_text("[" * 100_000),
    "cut in half": _half,
    "numbers of 5000 digits": _numbers("9" * 5000),
    "numbers of 400 digits": _numbers("9" * 400),
    "numbers without end": _numbers("1e999"),
    "numbers that are none": _numbers("NaN"),
    "numbers below nought": _numbers("-1"),
}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return good_submission(tmp_path_factory.mktemp("good"))


@pytest.mark.parametrize("which", ["performance logs", "everything else"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_gives_findings(good: Path, tmp_path: Path, damage: str, which: str) -> None:
    tree = Path(shutil.copytree(good, tmp_path / "tree"))
    files = [file for file in tree.glob("closed/**/*") if file.is_file() and "Offline" not in file.parts]
    logs = [file for file in files if file.parts[-4:-1] == ("Server", "performance", "run_1")]
    for file in logs if which == "performance logs" else [file for file in files if file not in logs]:
        DAMAGE[damage](file)
    found = check_tree(tree, None, "v6.1")
    assert found.report.problems
    assert "finding" in checklist_text(found, "v6.1")


def test_files_where_folders_should_be(good: Path, tmp_path: Path) -> None:
    tree = Path(shutil.copytree(good, tmp_path / "tree"))
    for folder in ("systems", "src", "results/a_simulated_server/llama3.1-8b/Server"):
        shutil.rmtree(tree / "closed/ACME" / folder)
        (tree / "closed/ACME" / folder).write_text("a file")
    assert {finding.rule for finding in check_tree(tree, None, "v6.1").report.problems} >= _OF_WHOLE_TREES - {
        "measurements",
        "submitted-round",
    }


@pytest.mark.parametrize("name", ["v4.1", "v5.1", "v6.0"])
def test_a_part_of_a_published_round_lacks_files_and_nothing_else(name: str) -> None:
    report = check_tree(shared_rounds() / name, None, "v6.0").report
    assert report.rows
    assert {finding.rule for finding in report.problems} <= _OF_WHOLE_TREES, complaints(report)


def test_a_tree_of_the_mlperf_endpoints_client_is_read() -> None:
    tree = shared_rounds() / "endpoints-constructed"
    if not tree.is_dir():
        pytest.skip(f"no results of the MLPerf Endpoints client at {tree}")
    report = check_tree(tree, None, "v6.1").report
    assert {"accuracy-target", "submission-files"} <= {finding.rule for finding in report.problems}
    assert not {"tree-files", "system-description", "measurements", "needed-scenarios"} & {
        finding.rule for finding in report.problems
    }
