"""Rows of a pickled pandas frame, as MLPerf publishes some data sets, read without running anything that it names.

A pickle is a program: it names functions and says what to call them with. Here every name stands for a note of what
was to be called, and only the few that a frame of plain columns consists of are known; any other ends the reading. What
was noted is then put together by this module. Neither pandas nor numpy's own unpickling takes part.

The layout is that of pandas 1.3 to 2: a frame holds a manager of blocks, each an array of several columns' values.
"""

from __future__ import annotations

import io
import pickle
import resource
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from assay.datasets.sources.rows import Row
from assay.errors import UserError

PICKLES = (".pkl", ".pickle", ".p")
PICKLE_START = b"\x80"
_PLAIN_KINDS = "biuf"
_TIMES = 20  # a token id takes 3 bytes in a file, and 37 as Python's number in a list
_LEAST_BYTES = 1 << 28


class _UnknownError(Exception):
    """A pickle holds what no frame of plain columns does."""


class _Noted:
    """What a pickle said of one object: what it was to be made with, and its state."""

    arguments: tuple[Any, ...] = ()
    state: Any = None

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Frame(_Noted): ...


class _Manager(_Noted): ...


class _Block(_Noted): ...


class _Index(_Noted): ...


class _Range(_Noted): ...


class _Array(_Noted): ...


class _Buffer(_Noted): ...


class _Scalar(_Noted): ...


class _Kind(_Noted): ...


class _Slice(_Noted): ...


_NUMPY = ("numpy.core", "numpy._core")
_KNOWN: dict[tuple[str, str], type] = {
    ("pandas.core.frame", "DataFrame"): _Frame,
    ("pandas.core.internals.managers", "BlockManager"): _Manager,
    ("pandas._libs.internals", "_unpickle_block"): _Block,
    ("pandas.core.indexes.base", "_new_Index"): _Index,
    ("pandas.core.indexes.base", "Index"): _Noted,
    ("pandas.core.indexes.range", "RangeIndex"): _Range,
    ("pandas.core.indexes.numeric", "Int64Index"): _Noted,
    ("builtins", "slice"): _Slice,
    ("__builtin__", "slice"): _Slice,
    ("numpy", "ndarray"): _Noted,
    ("numpy", "dtype"): _Kind,
    **{(f"{core}.multiarray", "_reconstruct"): _Array for core in _NUMPY},
    **{(f"{core}.multiarray", "scalar"): _Scalar for core in _NUMPY},
    **{(f"{core}.numeric", "_frombuffer"): _Buffer for core in _NUMPY},
}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> type:
        known = _KNOWN.get((module, name))
        if known is None:
            raise _UnknownError(f"{module}.{name}")
        return known


@contextmanager
def _memory(most: int) -> Iterator[None]:
    """Let this process take so many bytes more at most: a few bytes of a pickle can ask for any number of them.

    What would take more raises MemoryError.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = psutil.Process().memory_info().vms + most
    others = [bound for bound in (soft, hard) if bound != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min([limit, *others]), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def pickled_rows(data: bytes, path: Path) -> list[Row]:
    """Raises `UserError` where the pickle is of anything but a frame of plain columns."""
    try:
        with _memory(_LEAST_BYTES + _TIMES * len(data)):
            columns = _columns(_Reader(io.BytesIO(data)).load())
            cells = {name: [_value(cell) for cell in values] for name, values in columns.items()}
    except _UnknownError as error:
        raise UserError(f"dataset {path} is a pickle that holds {error}, {_NOT_READ}") from None
    except Exception as error:  # a damaged pickle can raise nearly anything
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"dataset {path} is no pickle of a pandas frame: {reason}; {_CONVERT}") from None
    return [
        Row(f"dataset {path}, entry {number}", dict(zip(cells, row, strict=True)))
        for number, row in enumerate(zip(*cells.values(), strict=True), start=1)
    ]


_CONVERT = (
    'convert it where you trust it: `pandas.read_pickle(FILE).to_json(OUT, orient="records", lines=True)`, then set '
    "dataset.path to OUT"
)
_NOT_READ = f"which isn't read, as a pickle can run any code; {_CONVERT}"


def _columns(frame: Any) -> dict[str, Sequence[Any]]:
    """A frame's columns by name, all of them as long."""
    blocks, axes = _of(_of(frame, _Frame).state["_mgr"], _Manager).arguments
    names = _names(axes[0])
    found: dict[str, Sequence[Any]] = {}
    for block in blocks:
        values, places, *_ = _of(block, _Block).arguments
        for row, place in zip(_array(values), _places(places), strict=True):
            found[names[place]] = row
    if len({len(values) for values in found.values()}) > 1:
        raise _UnknownError("columns of several lengths")
    return found


def _names(index: Any) -> list[str]:
    names: list[Any] = _array(_of(index, _Index).arguments[1]["data"]).tolist()
    if not all(isinstance(name, str) for name in names):
        raise _UnknownError("columns whose names aren't texts")
    return names


def _places(places: Any) -> Sequence[int]:
    if isinstance(places, _Slice):
        start, stop, step = places.arguments
        return range(start, stop, step or 1)
    found: list[int] = _array(places).tolist()
    return found


def _array(noted: Any) -> NDArray[Any]:
    """An array of numbers or of objects; of objects its items are as they were noted."""
    if isinstance(noted, _Buffer):
        content, kind, shape, order = noted.arguments
        return np.frombuffer(bytes(content), dtype=_plain(kind)).reshape(shape, order=order)
    _, shape, kind, fortran, content = _of(noted, _Array).state
    if isinstance(content, list):
        found = np.empty(len(content), dtype=object)
        found[:] = content
        return found.reshape(shape)
    return np.frombuffer(content, dtype=_plain(kind)).reshape(shape, order="F" if fortran else "C")


def _plain(noted: Any) -> np.dtype[Any]:
    """A type of numbers."""
    kind = np.dtype(str(_of(noted, _Kind).arguments[0]))
    if kind.kind not in _PLAIN_KINDS:
        raise _UnknownError(f"values of type {kind}")
    swapped = noted.state is not None and noted.state[1] == ">"
    return kind.newbyteorder(">") if swapped else kind


def _value(item: Any) -> Any:
    """A cell: what it is, or what was noted of it. What isn't a number counts as absent, as pandas has it."""
    if isinstance(item, _Array | _Buffer):
        array = _array(item)
        return array if array.dtype.kind in _PLAIN_KINDS else array.tolist()
    if isinstance(item, _Scalar):
        kind, content = item.arguments
        item = np.frombuffer(content, dtype=_plain(kind))[0]
    if isinstance(item, np.generic):
        item = item.item()
    return None if isinstance(item, float) and item != item else item


def _of(noted: Any, kind: Callable[..., Any]) -> Any:
    if not isinstance(noted, kind):  # type: ignore[arg-type]
        raise _UnknownError(f"{type(noted).__name__} where a frame has something else")
    return noted
