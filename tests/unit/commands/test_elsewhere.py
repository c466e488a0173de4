"""`assay watch HOST:PATH`: what is here, what is elsewhere, and what ssh is asked for."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from assay.commands.elsewhere import command_there, elsewhere


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("gpu1:results/a", ("gpu1", "results/a")),
        ("me@gpu1.site:", ("me@gpu1.site", "")),
        ("gpu1:/scratch/a b", ("gpu1", "/scratch/a b")),
        ("results/odd:name", None),
        ("-oProxyCommand=true:x", None),
        ("me@-oProxyCommand=true:x", None),
        ("results", None),
    ],
)
def test_a_host_stands_before_the_first_slash(given: str, found: tuple[str, str] | None) -> None:
    assert elsewhere(Path(given)) == found


def test_what_exists_is_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "odd:name").mkdir()
    assert elsewhere(Path("odd:name")) is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["me@gpu1:"], ["assay", "watch", "--output", "results"]),
        (["gpu1:", "--output", "my results"], ["assay", "watch", "--output", "my results"]),
        (["gpu1:a $(b) 'c'", "--once"], ["assay", "watch", "a $(b) 'c'", "--once"]),
    ],
)
def test_ssh_is_asked_to_watch_there(tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    (tmp_path / "ssh").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\nexit 7\n')
    (tmp_path / "ssh").chmod(0o755)
    command = [sys.executable, "-m", "assay.commands.main", "watch", *arguments]
    done = subprocess.run(
        command, env={**os.environ, "PATH": f"{tmp_path}:/usr/bin:/bin"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 7
    separator, host, line = done.stdout.splitlines()
    assert (separator, host) == ("--", arguments[0].split(":")[0])
    assert shlex.split(line) == words


def test_a_home_is_that_of_the_other_machine() -> None:
    (*_, line) = command_there("gpu1", ["assay", "watch", "~/my results/a"], terminal=True)
    assert line == "assay watch ~/'my results/a'"


def test_pages_are_served_where_the_files_are(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "assay.commands.main", "watch", "gpu1:results", "--web"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("assay: --web serves what is here: run it on gpu1")
