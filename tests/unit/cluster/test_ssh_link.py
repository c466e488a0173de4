"""How soon a lost link is found, and what an agent does that hears nothing more from its controller."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from assay.cluster.options import SshNode, SshOptions
from assay.cluster.ssh.connection import connection_arguments
from assay.deploy.deployment import WATCH_S
from assay.serving.probing import observing, probe_source

AGENT = files("assay.cluster.ssh").joinpath("agent.py").read_text()


@pytest.mark.parametrize("chosen", [{}, {"keepalive_s": 3}])
def test_a_lost_link_is_found_within_ten_seconds(chosen: dict[str, Any]) -> None:
    """asyncssh closes a link at the first end of its timer after `keepalive_count_max` unanswered keepalives."""
    options = SshOptions.model_validate({"launcher": "ssh", "nodes": [{"name": "a"}], **chosen})
    given = connection_arguments(SshNode(name="a"), options)
    assert given["keepalive_interval"] > 0
    assert given["keepalive_interval"] * (given["keepalive_count_max"] + 1) + WATCH_S <= 10
    with pytest.raises(ValidationError, match="keepalive_s"):
        SshOptions.model_validate({"launcher": "ssh", "nodes": [{"name": "a"}], "keepalive_s": 3.1})


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """An agent that takes half a second of silence for a lost controller; its probe runs."""
    assert AGENT.count("LEASE_S = 60") == 1
    program = AGENT.replace("LEASE_S = 60", "LEASE_S = 0.5")
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-I", "-c", program], stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None
        for request in (
            {"id": 1, "do": "hello", "folder": str(tmp_path), "label": "run"},
            {"id": 2, "do": "observe", "program": probe_source(), "arguments": observing([], 1)},
        ):
            process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        yield process
        process.kill()


def probe_of(agent: subprocess.Popen[str]) -> int:
    """The probe's process id, once it has told something."""
    assert agent.stdout is not None
    while "activity" not in agent.stdout.readline():
        assert agent.poll() is None
    return int(Path(f"/proc/{agent.pid}/task/{agent.pid}/children").read_text().split()[0])


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")
def test_an_agent_whose_controller_is_silent_ends_with_its_probe(agent: subprocess.Popen[str]) -> None:
    probe = probe_of(agent)
    assert agent.wait(20) == 0
    assert not Path(f"/proc/{probe}").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")
def test_a_killed_agent_takes_its_probe_along(agent: subprocess.Popen[str]) -> None:
    """The probe finds nobody who reads it."""
    probe = Path(f"/proc/{probe_of(agent)}/cmdline")
    agent.kill()
    agent.wait(20)
    while b"--every" in cmdline(probe):
        time.sleep(0.05)


def cmdline(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
