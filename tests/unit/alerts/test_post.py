"""Who is told of alerts, how, and what is said where one can't be told: never a URL."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.hooks import Hook

from assay.alerts import AlertOptions, Post, post
from assay.errors import UserError
from assay.runs import RunFolder
from assay.runs.alerts import AlertEvent

ALERT = AlertEvent(
    time_ns=5, clock_offset_ns=10**18, event="raised", rule="temperature", node="node-a", device="gpu0", since_ns=1,
    value=93.0, limit=90.0, unit="°C", words="gpu0 of node-a is at 93 °C (limit 90 °C).",
)  # fmt: skip
RUN = RunFolder(Path("results/a-campaign/runs/a-run"))


def sent(options: dict[str, Any], alerts: int = 1) -> list[str]:
    """What is said while so many alerts are sent."""
    said: list[str] = []
    desk = Post(AlertOptions.model_validate(options), said.append)
    with desk.open():
        for _ in range(alerts):
            desk.send(RUN, ALERT)
    return said


def test_a_webhook_gets_the_alert_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    hook = Hook()
    monkeypatch.setenv("HOOK", hook.url)
    with hook.serving():
        assert sent({"webhook": {"env": "HOOK"}}) == []
    (got,) = hook.got
    assert (got["campaign"], got["run"]) == ("a-campaign", "a-run")
    assert (got["rule"], got["event"], got["node"], got["value"]) == ("temperature", "raised", "node-a", 93.0)
    assert got["words"] == ALERT.words
    assert got["utc_ns"] == 10**18 + 5


def test_it_is_tried_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    hook = Hook(503)
    monkeypatch.setenv("HOOK", hook.url)
    with hook.serving():
        assert sent({"webhook": {"env": "HOOK"}}) == []
    assert len(hook.got) == 2


@pytest.mark.parametrize("code", [500, 404, 302])
def test_a_failure_is_told_once_and_without_the_url(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    hook = Hook(*[code] * 100)
    monkeypatch.setenv("HOOK", hook.url)
    with hook.serving():
        (said,) = sent({"webhook": {"env": "HOOK"}}, alerts=3)
    assert f"the webhook of the variable HOOK couldn't be told: it answered with HTTP {code}" in said
    assert "sesame" not in said
    assert len(hook.got) == 6


def test_nobody_who_listens_is_told_without_the_url(monkeypatch: pytest.MonkeyPatch) -> None:
    hook = Hook()
    with hook.serving():
        pass
    monkeypatch.setenv("HOOK", hook.url)
    (said,) = sent({"webhook": {"env": "HOOK"}})
    assert "Connection refused" in said
    assert "sesame" not in said


def test_a_command_gets_the_alert_on_standard_input(tmp_path: Path) -> None:
    told = tmp_path / "told"
    script = f"import sys; open({str(told)!r}, 'a').write(sys.stdin.read() + chr(10))"
    assert sent({"command": [sys.executable, "-c", script]}, alerts=2) == []
    assert [json.loads(line)["rule"] for line in told.read_text().splitlines()] == ["temperature"] * 2


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ([sys.executable, "-c", "raise SystemExit(3)"], "it ended with exit code 3"),
        (["/no/such/program"], "No such file or directory"),
    ],
)
def test_a_command_that_fails_is_told(command: list[str], words: str) -> None:
    (said,) = sent({"command": command})
    assert said == f"alerts: the command {command[0]} couldn't be told: {words}; further failures aren't mentioned"


def test_a_receiver_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post, "LIMIT_S", 0.05)
    (said,) = sent({"command": [sys.executable, "-c", "import time; time.sleep(60)"]})
    assert "couldn't be told" in said


def test_what_a_command_started_ends_with_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A script that hangs mostly waits for another program."""
    told = tmp_path / "pids"

    def late(process: subprocess.Popen[bytes], body: bytes, timeout: float) -> None:
        while not told.exists() or not told.read_text().endswith("\n"):
            time.sleep(0.01)
        raise subprocess.TimeoutExpired("sh", timeout)

    monkeypatch.setattr(subprocess.Popen, "communicate", late)
    (said,) = sent({"command": ["sh", "-c", f"sleep 600 & echo $! >> {told}; wait"]})
    assert "it hadn't ended after 10 s and was killed" in said
    left = [psutil.Process(int(pid)) for pid in told.read_text().split() if psutil.pid_exists(int(pid))]
    assert psutil.wait_procs([process for process in left if _runs(process)], timeout=60)[1] == []


def test_a_command_that_hangs_at_the_end_is_killed_and_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Two alerts, of which it is never done with the first; nothing waits for it, and nothing is begun afterwards."""
    monkeypatch.setattr(post, "_LAST_POST_S", 0)
    monkeypatch.setattr(post, "LIMIT_S", 600)
    begun, said = tmp_path / "begun", list[str]()
    os.mkfifo(begun)
    script = 'exec > "$0"; echo begun; sleep 600 & wait'  # both hold the pipe open
    desk = Post(AlertOptions.model_validate({"command": ["sh", "-c", script, str(begun)]}), said.append)
    with desk.open():
        (thread,) = [thread for thread in threading.enumerate() if thread.name == "alert post"]
        for _ in range(2):
            desk.send(RUN, ALERT)
        told = begun.open()
        assert told.readline() == "begun\n"
    assert said == [
        "alerts: not all were told by the campaign's end, and runs have them in alerts.jsonl; "
        "the command sh hadn't ended and was killed"
    ]
    with told:
        assert told.read() == "", "all that held the pipe has ended"
    thread.join(60)
    assert not thread.is_alive()
    assert len(said) == 1


def _runs(process: psutil.Process) -> bool:
    """Nobody may be there to take note of its end."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_apprise_tells_services_and_shows_no_url(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("apprise")
    hook = Hook()
    monkeypatch.setenv("SERVICES", hook.url.replace("http://", "json://"))
    with hook.serving():
        assert sent({"apprise": {"env": "SERVICES"}}) == []
    (got,) = hook.got
    assert got["title"] == "a-campaign: temperature raised"
    assert got["message"] == ALERT.words


def test_a_service_that_apprise_cant_reach_is_told_without_its_url(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("apprise")
    hook = Hook(*[500] * 10)
    monkeypatch.setenv("SERVICES", hook.url.replace("http://", "json://"))
    with hook.serving():
        (said,) = sent({"apprise": {"env": "SERVICES"}})
    shown = "".join(capfd.readouterr())
    assert said.startswith("alerts: Apprise by the variable SERVICES couldn't be told: ")
    assert "sesame" not in said + shown


def test_what_apprise_doesnt_know_is_refused_without_showing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("apprise")
    monkeypatch.setenv("SERVICES", "nonsense://sesame")
    with pytest.raises(UserError, match="URL 1 of the variable SERVICES is none that Apprise knows") as error:
        sent({"apprise": {"env": "SERVICES"}})
    assert "sesame" not in str(error.value)
