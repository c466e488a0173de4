"""What documents say to type runs as it stands, wherever it needs no other machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.command_blocks import DOCUMENTS, ROOT, blocks

TUTORIALS = [
    path for path in DOCUMENTS if path.name != "extending.md" and any(block.language == "sh" for block in blocks(path))
]
"""The recipes of extending.md have a test of their own."""


@pytest.mark.slow
@pytest.mark.parametrize("tutorial", TUTORIALS, ids=lambda path: path.stem)
def test_it_runs(tutorial: Path, tmp_path: Path) -> None:
    """One after another in one folder, beside the files that it says to write."""
    program = tmp_path / "bin" / "assay"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nfrom assay.commands.main import main\nmain()\n")
    program.chmod(0o755)
    folder = tmp_path / "here"
    folder.mkdir()
    environment = {
        **os.environ,
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "src"),
        "BASH_COMPLETION_USER_DIR": str(tmp_path / "completion"),
    }
    for block in blocks(tutorial):
        name, _, text = block.text.partition("\n")
        if block.language == "yaml" and name.startswith("# "):
            (folder / name.removeprefix("# ")).write_text(text)
        elif block.language == "sh":
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", block.text],
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=280,
                check=False,
            )
            assert done.returncode == 0, f"{block.text}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def test_some_of_it_runs() -> None:
    assert {path.stem for path in TUTORIALS} >= {"first-run", "my-server", "two-nodes", "package"}
