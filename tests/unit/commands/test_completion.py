"""Shells are given click's scripts, where each looks for them, and commands complete."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from assay.commands.completion import SHELLS, VARIABLE
from assay.commands.main import COMMANDS, main
from assay.commands.run import run

PLACES = {
    "bash": "data/bash-completion/completions/assay",
    "zsh": "data/zsh/site-functions/_assay",
    "fish": "config/fish/completions/assay.fish",
}


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_is_installed_where_its_shell_looks(
    shell: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("data", "config"):
        monkeypatch.setenv(f"XDG_{name.upper()}_HOME", str(tmp_path / name))
    monkeypatch.delenv("BASH_COMPLETION_USER_DIR", raising=False)
    done = CliRunner().invoke(main, ["completion", "install", shell])
    assert done.exit_code == 0, done.output
    (written,) = (path for path in tmp_path.rglob("*") if path.is_file())
    assert written == tmp_path / PLACES[shell]
    assert f"wrote {written}; " in done.output
    shown = CliRunner().invoke(main, ["completion", "show", shell]).stdout
    assert written.read_text() == shown
    assert f"{VARIABLE}={shell}_complete" in shown


def test_where_it_can_not_be_written_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("BASH_COMPLETION_USER_DIR", str(tmp_path / "file"))
    done = CliRunner().invoke(main, ["completion", "install", "bash"])
    assert (done.exit_code, "can't be written" in done.output) == (2, True)


def with_assay(folder: Path) -> dict[str, str]:
    """An environment whose PATH has an `assay`."""
    program = folder / "assay"
    program.write_text(f"#!{sys.executable}\nfrom assay.commands.main import main\nmain()\n")
    program.chmod(0o755)
    return {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def completed(folder: Path, line: str) -> list[str]:
    """What bash's own completion puts into COMPREPLY for `line`, with the script that `show` prints."""
    words = line.split(" ")
    script = (
        f"eval \"$(assay_script)\"; COMP_WORDS=({' '.join(words[:-1])} '{words[-1]}'); "
        f'COMP_CWORD={len(words) - 1}; _assay_completion assay; printf "%s\\n" "${{COMPREPLY[@]}}"'
    )
    shown = CliRunner().invoke(main, ["completion", "show", "bash"]).stdout
    environment = {**with_assay(folder), "SCRIPT": shown}
    done = subprocess.run(
        ["bash", "-c", f'assay_script() {{ printf %s "$SCRIPT"; }}; {script}'],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout.split()


def test_commands_and_options_complete_in_bash(tmp_path: Path) -> None:
    assert completed(tmp_path, "assay ru") == [name for name in COMMANDS if name.startswith("ru")] == ["run", "runs"]
    assert completed(tmp_path, "assay export k8s --out") == ["--output"]


def test_descriptions_are_whole_in_fish(tmp_path: Path) -> None:
    shown = CliRunner().invoke(main, ["completion", "show", "fish"]).stdout
    assert 'string split --max 1 ","' in shown
    if shutil.which("fish") is None:
        pytest.skip("needs fish")
    (tmp_path / "assay.fish").write_text(shown)
    command = ["fish", "--no-config", "--command", f"source {tmp_path}/assay.fish; complete -C 'assay run --qui'"]
    environment = {**with_assay(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=120)
    (quiet,) = (option for option in run.params if option.name == "quiet")
    assert isinstance(quiet, click.Option)
    assert "," in str(quiet.help)
    assert done.stdout == f"--quiet\t{quiet.help}\n"
