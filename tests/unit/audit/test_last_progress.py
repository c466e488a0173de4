"""Of a long run's progress an audit reads the end alone."""

from __future__ import annotations

from pathlib import Path

from tests.following import progress

from assay.audit.readers.folder import _end
from assay.runs import RunFolder
from assay.runs.progress import event_line


def test_the_last_event_is_found_without_what_came_long_before(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    long_before = b'{"version": 0, "of": "another version, which nobody can read"}\n' * 40_000
    folder.progress.write_bytes(long_before + b"".join(event_line(progress(at_s, at_s)) for at_s in range(3000)))
    end = _end(folder)
    assert end is not None
    assert end.completed == 2999


def test_progress_of_another_version_has_no_end(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.progress.write_bytes(b'{"version": 0}\n')
    assert _end(folder) is None
    folder.progress.unlink()
    assert _end(folder) is None
