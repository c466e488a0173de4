"""Files that are never read, and what to do instead."""

from __future__ import annotations

from pathlib import Path

from assay.errors import UserError

_PICKLES = (".pkl", ".pickle", ".p")
_PICKLE_START = b"\x80"
_COMPRESSED = {b"\x1f\x8b": "gunzip", b"\x28\xb5\x2f\xfd": "unzstd", b"BZh": "bunzip2", b"PK\x03\x04": "unzip"}


def refuse(path: Path, start: bytes) -> None:
    """Raise `UserError` for a file that `start`, its first bytes, or its name tells not to be text."""
    inner = path.with_suffix("") if path.suffix in (".gz", ".zst", ".bz2") else path
    if inner.suffix in _PICKLES or start.startswith(_PICKLE_START):
        raise UserError(
            f"dataset {path} is a Python pickle (MLPerf's OpenOrca files are): reading one can run any code, so it "
            "isn't done. Convert it once, where you trust it: `pandas.read_pickle(FILE).to_json(OUT, "
            'orient="records", lines=True)`, then set dataset.path to OUT; columns with other names than input, '
            "tok_input and output are mapped with dataset.fields."
        )
    for magic, tool in _COMPRESSED.items():
        if start.startswith(magic):
            raise UserError(f"dataset {path} is compressed: run `{tool} {path}` and give the file that it makes.")
