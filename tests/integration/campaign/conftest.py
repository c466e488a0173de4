"""Fixtures: campaigns without their pictures, which other tests cover."""

from __future__ import annotations

import pytest


@pytest.fixture
def no_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.campaign.runner.render_reports", lambda *_: [])
