"""Ansible's programs, of the environment that `make test` makes beside this one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def require_ansible() -> None:
    """Skip where there is none."""
    if _found("ansible-playbook") is None or _found("ansible-lint") is None:
        pytest.skip(
            f"needs ansible-core and ansible-lint in {sys.prefix}-ansible or on PATH (requirements/ansible.lock)"
        )


def ansible(program: str, *words: str, folder: Path, home: Path) -> str:
    """What it says, run in `folder` with its files in `home`; asserts that it succeeded."""
    # One connection a task: none is kept open after the test.
    mine = {
        "ANSIBLE_HOME": str(home),
        "ANSIBLE_SSH_ARGS": "-oControlMaster=no",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_ASYNC_DIR": str(home / "async"),
        "XDG_CACHE_HOME": str(home / "cache"),
    }
    environment = {**os.environ, "PATH": _path(), "LC_ALL": "C.UTF-8", **mine}
    path = _found(program)
    assert path is not None
    done = subprocess.run([path, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{program} {' '.join(words)}:\n{done.stdout}{done.stderr}"
    return done.stdout


def _path() -> str:
    return f"{sys.prefix}-ansible/bin{os.pathsep}{os.environ['PATH']}"


def _found(program: str) -> str | None:
    return shutil.which(program, path=_path())
