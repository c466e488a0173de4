"""Where tests find files that aren't part of the project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).resolve().parents[1]


def shared_rounds() -> Path:
    """The folder of logs of other MLPerf rounds, beside `shared_data`; the calling test skips where it's absent."""
    folder = shared_data().parent / "rounds"
    if not folder.is_dir():
        pytest.skip(f"no logs of other rounds at {folder}")
    return folder


def shared_data() -> Path:
    """The folder of real articles and published logs; the calling test skips where it's absent."""
    named = os.environ.get("ASSAY_TEST_DATA")
    folder = Path(named) if named else _REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no test data at {folder} (set ASSAY_TEST_DATA)")
    return folder
