"""The command line as a whole: each command is found, and says of itself what the list says of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from assay.commands.main import COMMANDS, main


def test_the_list_names_every_command_in_its_own_words() -> None:
    listed = CliRunner().invoke(main, ["--help"]).output
    for name, (_, words) in COMMANDS.items():
        assert name in listed
        assert words.split()[0] in listed


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "simulate"])  # its help is the simulator's own
def test_a_commands_own_help_begins_as_the_list_does(name: str) -> None:
    shown = CliRunner().invoke(main, [name, "--help"])
    assert shown.exit_code == 0
    first = COMMANDS[name][1].split()[:4]
    assert " ".join(first) in " ".join(shown.output.split())


def test_an_unknown_command_is_named() -> None:
    shown = CliRunner().invoke(main, ["bench-mark"])
    assert shown.exit_code == 2
    assert "bench-mark" in shown.output


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["run", "nowhere.yaml", "--json"], 2, "nowhere.yaml: no such file"),
        (["audit", "nowhere", "--json"], 2, "nowhere"),
        (["stop", "nowhere", "--json"], 2, "nothing was deployed from there"),
        (["report", "--json", "nowhere"], 2, "nowhere"),
        (["runs", "--no-such-option", "--json"], 2, "--no-such-option"),
        (["no-such-command", "--json"], 2, "no-such-command"),
    ],
)
def test_an_error_is_json_where_json_was_asked_for(
    words: list[str], code: int, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = CliRunner().invoke(main, words)
    printed = json.loads(shown.stdout)
    assert shown.exit_code == code == printed["error"]["exit_code"]
    assert message in printed["error"]["message"]
    assert set(printed["error"]) == {"message", "exit_code"}
    assert message in shown.stderr
    assert CliRunner().invoke(main, [word for word in words if word != "--json"]).stdout == ""


@pytest.mark.parametrize(
    ("full", "arguments", "code"),
    [
        ("stdout", ["schema"], 1),
        ("stdout stderr", ["schema"], 1),
        ("stdout stderr", ["run", "absent.yaml", "--json"], 2),
        ("stderr", ["run", "absent.yaml"], 2),
    ],
)
def test_what_is_printed_to_a_full_disk(full: str, arguments: list[str], code: int) -> None:
    """One message where there is room for it, and the exit code is that of the command all the same."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    with Path("/dev/full").open("w") as nowhere:
        streams = {name: nowhere if name in full.split() else subprocess.PIPE for name in ("stdout", "stderr")}
        command = [sys.executable, "-m", "assay.commands.main", *arguments]
        done = subprocess.run(command, **streams, env=environment, text=True, timeout=120, check=False)
    assert done.returncode == code
    if "stderr" not in full:
        assert done.stderr == "assay: No space left on device\n"
