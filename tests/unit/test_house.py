"""The floors of the house: `lint-imports` sees every arrow that runs up, and CONTRIBUTING.md draws the same house."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def contracts() -> dict[str, Any]:
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    return {contract["type"]: contract for contract in linter["contracts"]}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """`lint-imports` on a copy of the package, which must be found before the one that is installed."""
    script = "import sys; sys.path.insert(0, 'src'); from importlinter.cli import lint_imports_command as lint; lint()"
    command = [sys.executable, "-c", script, "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


PLANTED = {
    "runs/atomic.py": "def late() -> None:\n    from assay.analysis import statistics\n",
    "report/page.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from assay.load import router\n",
}


def test_an_arrow_that_runs_up_is_seen(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for module, words in PLANTED.items():
        with (tmp_path / "src/assay" / module).open("a", encoding="utf-8") as file:
            file.write(f"\n{words}")
    broken = lint(tmp_path)
    assert broken.returncode == 1
    assert "assay.runs.atomic -> assay.analysis.statistics" in broken.stdout
    assert "assay.report.page -> assay.load.router" in broken.stdout


def test_a_room_without_a_floor_is_seen(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "src/assay/attic").mkdir()
    (tmp_path / "src/assay/attic/__init__.py").touch()
    broken = lint(tmp_path)
    assert broken.returncode == 1
    assert "attic" in broken.stdout


def test_contributing_draws_the_house_that_is_checked() -> None:
    floors = [re.findall(r"\w+", floor) for floor in contracts()["layers"]["layers"]]
    rooms = {path.name for path in (ROOT / "src/assay").iterdir() if (path / "__init__.py").is_file()}
    checked = [[room for room in floor if room in rooms or room == "config"] for floor in floors]
    table = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("|---|---|---|\n")[1].split("\n\n")[0]
    drawn = [re.findall(r"`(\w+)`", row.split("|")[1]) for row in table.splitlines()]
    assert drawn == [floor for floor in checked if floor]
    assert rooms <= {room for floor in drawn for room in floor}


def test_a_file_is_about_one_thing() -> None:
    """CONTRIBUTING.md: a file stays under about 400 lines."""
    lines = {str(path): len(path.read_text().splitlines()) for path in (ROOT / "src").rglob("*.py")}
    assert {path: count for path, count in lines.items() if count > 400} == {}
