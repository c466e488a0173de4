"""Request bodies, made before the clock starts and mapped by every worker: nothing is encoded while measuring."""

from __future__ import annotations

import mmap
from collections.abc import Iterable
from pathlib import Path

import numpy as np


def write_bodies(path: Path, bodies: Iterable[bytes]) -> None:
    """Write the bodies one after another, and their offsets as int64 beside them (`<path>.npy`)."""
    offsets = [0]
    with path.open("wb") as file:
        for body in bodies:
            file.write(body)
            offsets.append(offsets[-1] + len(body))
    np.save(path.with_suffix(".npy"), np.asarray(offsets, dtype=np.int64))


class Bodies:
    """Body i, as bytes, from a shared read-only mapping."""

    def __init__(self, path: Path) -> None:
        self._offsets: list[int] = np.load(path.with_suffix(".npy")).tolist()
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, index: int) -> bytes:
        return self._map[self._offsets[index] : self._offsets[index + 1]]
