"""The wheel carries all that a run needs: installed into an empty environment, far from here, it does its job.

Dependencies are those of this environment, named to the new one by their folder; Assay itself comes from the wheel.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from tests.recipes import ROOT

import assay
from assay.extras import EXTRAS

pytestmark = pytest.mark.slow


def run(*command: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """In `folder`, with nothing that names this repository."""
    named = ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME")
    environment = {name: value for name, value in os.environ.items() if name not in named}
    done = subprocess.run(
        [*map(str, command)], cwd=folder, env=environment, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder, folder=ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command `assay` of an environment that holds the wheel and nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    python = folder / "bin/python"
    pip = [sys.executable, "-m", "pip", "--python", python, "install"]
    run(*pip, "--quiet", "--no-index", "--no-deps", "--disable-pip-version-check", wheel, folder=folder)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin/assay"


def test_it_holds_what_the_source_holds(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("assay/")}
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        words = archive.read(metadata).decode()
    source = {str(path.relative_to(ROOT / "src")) for path in (ROOT / "src/assay").rglob("*") if path.is_file()}
    assert {name for name in source if "__pycache__" not in name} <= packed
    assert "assay/examples/first-run.yaml" in packed
    assert f"Name: assay-llm\nVersion: {assay.__version__}\n" in words
    assert {line.partition(": ")[2] for line in words.splitlines() if line.startswith("Provides-Extra")} == set(EXTRAS)


def test_it_does_its_job_far_from_the_repository(installed: Path, tmp_path: Path) -> None:
    where = "import assay; print(assay.__file__)"
    assert str(installed.parents[1]) in run(installed.parent / "python", "-c", where, folder=tmp_path).stdout
    run(installed, "examples", "first-run", folder=tmp_path)
    words = ["--set", "scenarios=[Offline]", "--set", "load.warmup_prompts=1", "--json", "--quiet"]
    done = run(installed, "run", "first-run.yaml", *words, folder=tmp_path)
    (result,) = json.loads(done.stdout)["results"]
    assert result["status"] == "completed"
    (written,) = tmp_path.glob("results/*/runs/*/ledger.json")
    ledger = json.loads(written.read_text())
    assert [ledger[name] for name in ("issued", "completed", "failed", "lost")] == [8, 8, 0, 0]
    assert list(tmp_path.glob("results/*/report.html"))
