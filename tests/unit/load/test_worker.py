"""How a worker ends: by a defect of its own, and where the load's process is gone."""

from __future__ import annotations

import os
from pathlib import Path
from unittest.mock import Mock

import pytest
from tests.simulated import make_plan

from assay.load import frames, worker
from assay.load.attempts import attempts_path, read_attempts


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
