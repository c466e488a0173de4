"""What LoadGen is told in the run's user.conf."""

from __future__ import annotations

from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

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
