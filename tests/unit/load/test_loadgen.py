"""What LoadGen is told in the run's user.conf, and what is made of its end."""

from __future__ import annotations

from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest

from assay.load import loadgen
from assay.load.loadgen import COALESCED_FROM_QPS
from assay.load.plan import LoadgenSettings

MODEL = "llama3_1-8b"


def settings(folder: Path, conf: str | None = None, **changes: Any) -> LoadgenSettings:
    asked = {"model": MODEL, "scenario": "Server", "official": True, "own_sample_count": False, "target_qps": 5.0}
    if conf is not None:
        (folder / "given.conf").write_text(conf)
        asked["user_conf"] = str(folder / "given.conf")
    return LoadgenSettings.model_validate(asked | changes)


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({}, [f"{MODEL}.Server.target_qps = 5.0"]),
        ({"conf": "*.Server.target_qps = 7"}, ["*.Server.target_qps = 7"]),
        ({"scenario": "SingleStream"}, []),
        ({"scenario": "Offline", "target_qps": 1e6}, [f"{MODEL}.Offline.target_qps = 1000000.0"]),
        (
            {"target_qps": float(COALESCED_FROM_QPS)},
            [f"{MODEL}.Server.target_qps = 10000.0", f"{MODEL}.Server.coalesce_queries = 1"],
        ),
        *(
            ({"target_qps": 2e4, "conf": line}, [f"{MODEL}.Server.target_qps = 20000.0", line])
            for line in ("*.*.coalesce_queries = 0", "*.Server.max_query_count = 60", "*.*.max_duration = 1000")
        ),
        (
            {"target_qps": 2e4, "conf": "*.Offline.max_query_count = 60"},
            [
                f"{MODEL}.Server.target_qps = 20000.0",
                f"{MODEL}.Server.coalesce_queries = 1",
                "*.Offline.max_query_count = 60",
            ],
        ),
    ],
)
def test_assay_says_only_what_the_users_file_leaves_open(
    tmp_path: Path, changes: dict[str, Any], lines: list[str]
) -> None:
    asked = settings(tmp_path, **changes)
    assert loadgen.write_user_conf(asked, tmp_path).read_text().split("\n")[: len(lines) + 1] == [*lines, ""]


@pytest.mark.parametrize(("rate", "together"), [(COALESCED_FROM_QPS - 1, False), (COALESCED_FROM_QPS, True)])
def test_loadgen_hands_over_together_what_it_is_late_with_at_high_rates(
    tmp_path: Path, rate: float, together: bool
) -> None:
    made = loadgen.test_settings(settings(tmp_path, target_qps=rate), "performance", 100, tmp_path)
    assert (made.server_coalesce_queries, made.server_target_qps) == (together, rate)


@pytest.mark.parametrize(("together", "intervals"), [(False, [0.0002]), (True, [])])
def test_loadgens_thread_waits_for_pythons_lock_only_where_it_comes_with_several(
    monkeypatch: pytest.MonkeyPatch, together: bool, intervals: list[float]
) -> None:
    asked: list[float] = []
    monkeypatch.setattr(loadgen, "sys", SimpleNamespace(setswitchinterval=asked.append))
    test = loadgen.Test.__new__(loadgen.Test)
    test._settings = SimpleNamespace(server_coalesce_queries=together)
    test._thread = Thread(target=lambda: None)
    test.start(0)
    test._thread.join()
    assert asked == intervals


SUMMARY = "No warnings encountered during test.\n\nNo errors encountered during test.\n"
DETAIL = ':::MLLOG {"key": "num_errors", "value": 0, "time_ms": 1.0}\n'


def ended_as(folder: Path, **changes: str | None) -> BaseException | None:
    """What is told of a test's end that left these files."""
    files = {"summary.txt": SUMMARY, "detail.txt": DETAIL, "accuracy.json": "[\n]\n"}
    for name, text in (files | {key.replace("_", "."): text for key, text in changes.items()}).items():
        if text is not None:
            (folder / f"mlperf_log_{name}").write_text(text)
    told: list[BaseException | None] = []
    test = loadgen.Test.__new__(loadgen.Test)
    test._plan, test._failure, test._on_end = Mock(folder=str(folder)), None, told.append
    test._test = lambda: None  # type: ignore[method-assign]
    test._run()
    (error,) = told
    return error


def test_logs_that_are_whole_are_an_end_without_an_error(tmp_path: Path) -> None:
    assert ended_as(tmp_path) is None


@pytest.mark.parametrize("left", [None, "", "torn"])
@pytest.mark.parametrize("name", ["summary.txt", "detail.txt", "accuracy.json"])
def test_a_log_that_loadgen_could_not_write_to_its_end_is_an_error(tmp_path: Path, name: str, left: str | None) -> None:
    """It says nothing of a full disk, and runs no test where it can't open its logs."""
    error = ended_as(tmp_path, **{name.replace(".", "_"): left})
    assert isinstance(error, OSError)
    assert error.filename == str(tmp_path / f"mlperf_log_{name}")


def test_an_end_by_an_error_is_told_too(tmp_path: Path) -> None:
    told: list[BaseException | None] = []
    test = loadgen.Test.__new__(loadgen.Test)
    test._failure, test._on_end = None, told.append
    test._test = Mock(side_effect=ValueError("no such scenario"))  # type: ignore[method-assign]
    test._run()
    assert [str(error) for error in told] == ["no such scenario"]
