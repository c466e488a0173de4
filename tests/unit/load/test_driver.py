"""How a load process takes over what is issued, and how it ends: by a defect of its own, by a signal, at its end."""

from __future__ import annotations

import errno
import signal
import threading
import tracemalloc
from array import array
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import pytest
from tests.simulated import make_plan

from assay.errors import AssayError
from assay.load import driver
from assay.load.frames import Done, Send
from assay.load.hub import Messages
from assay.load.journal import IssuedJournal, read_issued
from assay.load.meter import Meter
from assay.load.replies import Replies, Tally
from assay.load.router import Router
from assay.load.source import Answer, FirstToken, Issues
from assay.load.unwritable import parse_unwritable
from assay.runs import RunFolder, read_outcome, write_json


def test_a_defect_is_an_end_with_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.parts.mkdir(parents=True)
    write_json(folder.plan, make_plan(folder.path, ["http://127.0.0.1:9"]))

    def broken(*arguments: object) -> NoReturn:
        raise ValueError("negative shift count")

    monkeypatch.setattr(driver, "Driver", broken)
    monkeypatch.setattr(driver, "die_with_parent", lambda parent: None)
    assert driver.main([str(folder.plan), "1"]) == 1
    outcome = read_outcome(folder)
    assert (outcome.status, outcome.reason) == ("error", "ValueError: negative shift count; traceback in driver.log")
    assert "Traceback" in capsys.readouterr().err


def test_a_disk_that_takes_no_more_is_told_where_no_disk_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.parts.mkdir(parents=True)
    write_json(folder.plan, make_plan(folder.path, ["http://127.0.0.1:9"]))

    def broken(*arguments: object) -> NoReturn:
        raise AssayError("what the outcome would say")

    def full(path: Path, value: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(driver, "Driver", broken)
    monkeypatch.setattr(driver, "die_with_parent", lambda parent: None)
    monkeypatch.setattr(driver, "write_json", full)
    assert driver.main([str(folder.plan), "1"]) == 1
    error = parse_unwritable(capfd.readouterr().out.encode())
    assert error is not None
    assert (error.errno, error.filename) == (errno.ENOSPC, str(folder.outcome))


@pytest.mark.parametrize(("over", "ended"), [(True, ("finished", "")), (False, ("stopped", "SIGTERM"))])
def test_a_signal_takes_nothing_from_a_load_that_is_over(over: bool, ended: tuple[str, str]) -> None:
    ending = driver.Driver.__new__(driver.Driver)
    ending._error, ending._over, ending._signal = None, over, signal.SIGTERM
    assert ending._conclusion() == ended


def test_of_a_thousand_endpoints_that_failed_the_first_are_told() -> None:
    ending = driver.Driver.__new__(driver.Driver)
    ending._error, ending._over, ending._signal, ending._source = None, False, 0, None
    ending._tally = Tally(failures={f"e{number}": "refused" for number in range(1000)})
    status, reason = ending._conclusion()
    assert status == "endpoints_gone"
    assert reason.startswith("every endpoint failed during warm-up: e0: refused; e1: refused; ")
    assert reason.endswith("; e9: refused; and 990 more")


class Workers:
    """A hub that keeps what it is told to send, and what was written down by then."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self.sent: list[int] = []
        self.written: list[int] = []
        self.woken = 0

    def send(self, sends: Sequence[Send]) -> None:
        self.sent += [send.sample for send in sends]
        self.written.append(len(read_issued(self._folder.issued)))

    def wake(self) -> None:
        self.woken += 1


class Silent:
    """A source that is told nothing and issues nothing of itself."""

    def first_tokens(self, tokens: Sequence[FirstToken]) -> None:
        assert not tokens

    def complete(self, answers: Sequence[Answer]) -> None:
        assert not answers

    def issue_due(self, now_ns: int) -> None:
        """Others issue here."""

    def next_due_ns(self) -> int | None:
        return None


def in_the_middle(folder: RunFolder, window: int) -> tuple[Any, Workers]:
    """A driver under load, without processes."""
    folder.parts.mkdir(parents=True)
    plan = make_plan(folder.path, ["http://127.0.0.1:9"])
    made: Any = driver.Driver.__new__(driver.Driver)
    made._plan, made._hub = plan, Workers(folder)
    made._lock, made._handed_over, made._more, made._closing = threading.Lock(), deque(), False, False
    made._issued, made._meter = IssuedJournal(folder.issued), Meter(plan)
    made._replies, made._until_sure = Replies(plan, made._meter), None
    made._router = Router([window], lambda _: 1.0, max_attempts=1, offline_epoch=None)
    return made, made._hub


class Deaf:
    """A hub that keeps nothing."""

    def send(self, sends: Sequence[Send]) -> None:
        """Nothing is kept."""

    def wake(self) -> None:
        """Nobody sleeps."""


class Told(Silent):
    """A source that is told of answers."""

    def complete(self, answers: Sequence[Answer]) -> None:
        assert all(answer.ok for answer in answers)


def test_a_sample_in_flight_is_some_numbers_and_so_is_one_that_is_over(tmp_path: Path) -> None:
    made, _ = in_the_middle(RunFolder(tmp_path / "run"), 10**6)
    made._hub = Deaf()
    samples, ids = 5_000, range(10**9, 10**9 + 5_000)
    issues = Issues(ids, array("i", bytes(4 * samples)))
    tracemalloc.start()
    made._on_issue(issues)
    while made._more:
        made._step(Silent(), Messages())
    assert made._router.in_flight == samples
    in_flight, _ = tracemalloc.get_traced_memory()
    for sample in range(samples):
        made._step(Told(), Messages(dones=[Done(sample, 1, 0, 0, 2, 2, 1, 2, 3, 4, 0, b"", "")]))
    over, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert made._meter.completed == samples
    assert max(in_flight, over) / samples < 100


def test_what_is_issued_is_written_down_before_it_is_sent(tmp_path: Path) -> None:
    made, workers = in_the_middle(RunFolder(tmp_path / "run"), 8)
    made._on_issue(Issues([70, 71], [3, 4]))
    made._on_issue(Issues([72], [5]))
    assert (workers.sent, workers.written) == ([0, 1, 2], [2, 3])


def test_what_is_issued_while_answers_are_dealt_with_is_sent_right_after(tmp_path: Path) -> None:
    made, workers = in_the_middle(RunFolder(tmp_path / "run"), 8)
    with made._lock:  # as the main thread does
        made._on_issue(Issues([70], [3]))
        assert workers.sent == []
    assert made._patience_s(Silent()) == 0.0
    made._step(Silent(), Messages())
    assert workers.sent == [0]
    assert made._patience_s(Silent()) > 0.0


def test_a_great_issue_is_sent_a_part_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "_MOST_SENDS", 2)
    made, workers = in_the_middle(RunFolder(tmp_path / "run"), 8)
    made._on_issue(Issues([70, 71, 72], [3, 4, 5]))
    assert (workers.sent, workers.woken) == ([0, 1], 1)
    assert made._patience_s(Silent()) == 0.0
    made._step(Silent(), Messages())
    assert workers.sent == [0, 1, 2]
    assert made._patience_s(Silent()) > 0.0


def test_nothing_is_taken_over_once_the_load_closes(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    made, workers = in_the_middle(folder, 8)
    made._closing = True
    made._on_issue(Issues([70], [3]))
    assert (workers.sent, len(read_issued(folder.issued))) == ([], 0)
