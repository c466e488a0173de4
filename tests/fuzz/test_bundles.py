"""Whatever lies in a lock or a bundle, reading it gives a result or a message, never a traceback."""

from __future__ import annotations

import contextlib
import io
import json
import tarfile
import tempfile
from pathlib import Path

from hypothesis import given
from tests.fuzz.damage import damaged, fuzzed

from assay.errors import UserError
from assay.install import Target, read_bundle
from assay.install.lock import chosen, read_engine_lock, read_lock

LOCK = f"""\
alpha==1.0 ; python_full_version < '3.12' \\
    --hash=sha256:{"a" * 64}
    # via
    #   beta
beta==2.0+cpu --hash=sha256:{"b" * 64}
""".encode()


def bundle() -> bytes:
    manifest = {"assay": "1", "target": "cp311-manylinux_2_28_x86_64", "extras": [], "index": False, "engine": False}
    manifest |= {
        "models": [],
        "datasets": [],
        "debian": [],
        "pinned": {},
        "files": {"a": {"bytes": 1, "sha256": "a" * 64}},
    }
    text, buffer = json.dumps(manifest).encode(), io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("assay-1/manifest.json")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text))
    return buffer.getvalue()


BUNDLE = bundle()


@fuzzed(60)
@given(damaged(LOCK))
def test_a_lock(data: bytes) -> None:
    target = Target(11, 28, "x86_64")
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(UserError):
        path = Path(folder) / "lock"
        path.write_bytes(data)
        read_engine_lock(path, target)
        chosen(read_lock(path), ["alpha"], (), target)


@fuzzed(60)
@given(damaged(BUNDLE))
def test_a_bundle(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(UserError):
        path = Path(folder) / "b.tar"
        path.write_bytes(data)
        read_bundle(path)


def test_the_undamaged_ones_are_read(tmp_path: Path) -> None:
    (tmp_path / "lock").write_bytes(LOCK)
    (tmp_path / "b.tar").write_bytes(BUNDLE)
    assert [each.name for each in read_lock(tmp_path / "lock")] == ["alpha", "beta"]
    assert read_bundle(tmp_path / "b.tar").manifest.assay == "1"
