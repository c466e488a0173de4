"""The models that are files of a run's or a campaign's folder, and the one reader of them.

A file that is damaged, of another version or of another kind is told in one line that names it and what to do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from assay.errors import UserError
from assay.plain_files import plain


class Stored(BaseModel):
    """One JSON file. `version` is a field of every subclass; the reader refuses those that aren't in `READS`."""

    model_config = ConfigDict(extra="forbid")

    WHAT: ClassVar[str] = "a file of a run folder"
    """What the file is, in words that follow "can't be read as"."""
    MEND: ClassVar[str] = (
        "restore it from a copy, or move its run folder away: `assay run --resume` on the campaign then measures again"
    )
    """What the user can do about a damaged one."""
    READS: ClassVar[tuple[int, ...]] = (1,)
    """The versions that can be read; the last is the one that is written."""


M = TypeVar("M", bound=BaseModel)


def read_model(path: Path, kind: type[M]) -> M | None:
    """Read a JSON file as a model; None where there is no file. Raises UserError where it can't be read."""
    data = _load(path, kind)
    if data is None:
        return None
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise UserError(_line(path, kind, _first(error))) from None


def require_model(path: Path, kind: type[M], missing: str) -> M:
    """As `read_model`; where there is no file, raises UserError with the words `missing`."""
    found = read_model(path, kind)
    if found is None:
        raise UserError(missing)
    return found


def read_object(path: Path) -> dict[str, Any] | None:
    """Read a JSON object whose schema is another room's; None where there is no file. Raises UserError."""
    data = _load(path, Stored)
    if data is not None and not isinstance(data, dict):
        raise UserError(_line(path, Stored, "it holds no object"))
    return data


def _load(path: Path, kind: type[BaseModel]) -> Any:
    try:
        data = orjson.loads(plain(path).read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"{path}: can't be read: {error.strerror or error}") from None
    except orjson.JSONDecodeError as error:
        raise UserError(_line(path, kind, f"not JSON: {error}")) from None
    if data is None:
        raise UserError(_line(path, kind, "it holds nothing"))
    if isinstance(data, dict) and issubclass(kind, Stored):
        _check_version(path, kind, data.get("version", kind.READS[-1]))
    return data


def _check_version(path: Path, kind: type[Stored], version: Any) -> None:
    if kind is Stored or version in kind.READS:
        return
    known = " and ".join(str(number) for number in kind.READS)
    raise UserError(
        f"{path}: can't be read as {kind.WHAT}: it is of version {version!r}, this assay reads {known}; "
        "use the assay that wrote it"
    )


def _first(error: ValidationError) -> str:
    found = error.errors()[0]
    place = ".".join(str(part) for part in found["loc"])
    message = found["msg"].removeprefix("Value error, ").partition("\n")[0]
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{place}: {message}{more}" if place else f"{message}{more}"


def _line(path: Path, kind: type[BaseModel], problem: str) -> str:
    stored = kind if issubclass(kind, Stored) else Stored
    what = stored.WHAT if stored is not Stored or kind is Stored else kind.__name__
    return f"{path}: can't be read as {what}: {problem}; {stored.MEND}"
