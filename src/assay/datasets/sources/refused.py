"""Files that aren't read as they are, and what to do first."""

from __future__ import annotations

from pathlib import Path

from assay.errors import UserError

_COMPRESSED = {b"\x1f\x8b": "gunzip", b"\x28\xb5\x2f\xfd": "unzstd", b"BZh": "bunzip2", b"PK\x03\x04": "unzip"}


def refuse(path: Path, start: bytes) -> None:
    """Raise `UserError` for a file that `start`, its first bytes, tells to be compressed."""
    for magic, tool in _COMPRESSED.items():
        if start.startswith(magic):
            raise UserError(f"dataset {path} is compressed: run `{tool} {path}` and give the file that it makes.")
