"""A watch for alerts that ends while the run goes on, where the disk takes no more."""

from __future__ import annotations

import asyncio
from pathlib import Path
from unittest.mock import Mock

import pytest
from tests.synthetic import Plan, write_run

from assay.alerts import AlertOptions, AlertWatch
from assay.campaign.alerting import alerted
from assay.runs import SystemRecord, read_model, read_record


def test_a_watch_whose_end_cannot_be_logged_is_told_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(self: AlertWatch) -> None:
        raise OSError("no room for an alert")

    monkeypatch.setattr(AlertWatch, "_look", look)
    folder, post = write_run(tmp_path, Plan(samples=20, chunks=False, telemetry=False)), Mock()
    record, system = read_record(folder), read_model(folder.system, SystemRecord)
    assert system is not None
    crashes: list[object] = []
    monkeypatch.setattr("threading.excepthook", crashes.append)
    folder.driver_log.unlink(missing_ok=True)
    folder.driver_log.mkdir()  # as little as a full disk does it take a line

    async def run() -> None:
        with alerted(AlertOptions(), folder, record, system, post, Mock()):
            await asyncio.sleep(0)

    asyncio.run(run())
    post.say.assert_called_once()
    assert "the run isn't watched for alerts any more" in post.say.call_args.args[0]
    assert crashes == []
