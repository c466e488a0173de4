"""How a worker ends: by a defect of its own, by a full disk, and where the load's process is gone."""

from __future__ import annotations

import errno
import os
import socket
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest
from tests.simulated import make_plan

from assay.load import frames, worker
from assay.load.attempts import attempts_path, read_attempts
from assay.load.unwritable import parse_unwritable
from assay.runs import write_json


def test_what_was_measured_is_written_before_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "run"
    (folder / "parts").mkdir(parents=True)
    ends: list[int] = []
    monkeypatch.setattr(os, "_exit", ends.append)
    loop = Mock()
    broken = worker.Worker(make_plan(folder, ["http://127.0.0.1:9"]), 0, loop)
    broken._attempts.add({"sample_id": 3})
    worker.give_up(broken, loop, {"message": "a defect"})
    assert ends == [70]
    (batch,) = read_attempts(attempts_path(folder / "parts", 0), ["sample_id"])
    assert batch.to_pylist() == [{"sample_id": 3}]


def test_nothing_is_told_to_a_process_that_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    (folder / "parts").mkdir(parents=True)
    left = worker.Worker(make_plan(folder, ["http://127.0.0.1:9"]), 0, Mock())
    left._transport = Mock()
    left._transport.is_closing.return_value = True
    left._transport.write.side_effect = RuntimeError("the handler is closed")  # as uvloop does
    left._post(b"a word")
    left._flush_outbox()
    assert left._outbox == []


@pytest.mark.parametrize(("scenario", "told"), [("Offline", 0), ("Server", 1)])
def test_first_tokens_are_told_where_the_source_wants_them(tmp_path: Path, scenario: str, told: int) -> None:
    folder = tmp_path / "run"
    (folder / "parts").mkdir(parents=True)
    asked = worker.Worker(make_plan(folder, ["http://127.0.0.1:9"], scenario), 0, Mock())
    asked._sends[0] = frames.Send(0, 5, 0, 1)
    asked._pools[0].first_token(Mock(tag=0, ids=[], first_ns=1))
    assert len(asked._outbox) == told


class Full:
    """Standard error on a full disk: what it can't say stays in its buffer, and each flush fails anew."""

    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def worker_in(folder: Path) -> worker.Worker:
    (folder / "parts").mkdir(parents=True)
    made = worker.Worker(make_plan(folder, ["http://127.0.0.1:9"]), 0, Mock())
    made._transport = Mock()
    made._transport.is_closing.return_value = False
    return made


def full(monkeypatch: pytest.MonkeyPatch) -> None:
    def write(handle: int, data: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", write)


def test_it_ends_where_neither_its_defect_nor_what_it_measured_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends: list[int] = []
    broken = worker_in(tmp_path / "run")
    broken._attempts.add({"sample_id": 3})
    monkeypatch.setattr(os, "_exit", ends.append)
    monkeypatch.setattr(sys, "stderr", Full())
    full(monkeypatch)
    with pytest.raises(OSError, match="No space left"):
        worker.give_up(broken, Mock(), {"message": "a defect"})
    assert ends == [70]


def test_a_full_disk_is_told_once_and_the_worker_ends_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = worker_in(tmp_path / "run")
    stuck._attempts.add({"sample_id": 3})
    full(monkeypatch)
    for _ in range(100):
        stuck._flush_journals()
    stuck._finish()
    assert isinstance(stuck._transport, Mock)
    assert isinstance(stuck._loop, Mock)
    (told,) = [call.args[0] for call in stuck._transport.write.call_args_list]
    (frame,) = frames.FrameReader().feed(told)
    error = parse_unwritable(frames.unpack_word(frame))
    assert frame[0] == frames.UNWRITABLE
    assert error is not None
    assert (error.errno, error.filename) == (errno.ENOSPC, str(attempts_path(tmp_path / "run/parts", 0)))
    stuck._transport.close.assert_called_once()
    stuck._loop.stop.assert_called_once()


def test_what_could_not_be_written_is_tried_again_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = worker_in(tmp_path / "run")
    stuck._attempts.add({"sample_id": 3})
    with monkeypatch.context() as meanwhile:
        full(meanwhile)
        for _ in range(100):
            stuck._flush_journals()
    stuck._finish()
    (batch,) = read_attempts(attempts_path(tmp_path / "run/parts", 0), ["sample_id"])
    assert batch.to_pylist() == [{"sample_id": 3}]


def test_a_worker_that_cannot_begin_its_records_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "run"
    (folder / "parts").mkdir(parents=True)
    write_json(folder / "parts/plan.json", make_plan(folder, ["http://127.0.0.1:9"]))
    for act in ("die_with_parent", "raise_file_limit"):
        monkeypatch.setattr(worker, act, lambda *_: None)
    ours, theirs = socket.socketpair()
    with monkeypatch.context() as meanwhile:
        full(meanwhile)
        assert worker.main([str(theirs.detach()), str(folder / "parts/plan.json"), "0", "1"]) == 1
    (frame,) = frames.FrameReader().feed(ours.recv(4096))
    ours.close()
    error = parse_unwritable(frames.unpack_word(frame))
    assert error is not None
    assert error.filename == str(attempts_path(folder / "parts", 0))
