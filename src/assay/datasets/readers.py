"""Reading the two layouts: MLPerf's JSON with token ids, and articles as JSON lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from assay.datasets.model import Sample, TokenIds
from assay.errors import UserError

_MAX_TOKEN_ID = np.iinfo(np.int32).max


def read_mlperf(data: bytes, path: Path) -> list[Sample]:
    """Samples of MLPerf's layout: a list of `{"input": text, "tok_input": [ids], "output": text}`.

    Without `output` an entry has no reference.

    `path` is named in errors. Raises `UserError` with the entry's number, from 1, and the field.
    """
    try:
        entries = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise UserError(f"dataset {path} is not JSON: {error}. Was it downloaded to the end?") from error
    if not isinstance(entries, list):
        raise UserError(f"dataset {path}: expected a list of entries, each with input, tok_input and output.")
    samples = []
    for index, entry in enumerate(entries):
        where = f"dataset {path}, entry {index + 1}"
        fields = _object(entry, where)
        samples.append(
            Sample(
                index=index,
                prompt=_text(fields, "input", where),
                tok_input=_token_ids(fields["tok_input"], where) if "tok_input" in fields else None,
                reference=_text(fields, "output", where) if "output" in fields else None,
            )
        )
    return samples


def read_articles(data: bytes, path: Path, prompt: Callable[[str], str]) -> list[Sample]:
    """Samples of JSON lines `{"id", "article", "highlights", …}`; `prompt` turns an article into a prompt's text.

    `path` is named in errors. Raises `UserError` with the line's number, from 1, and the field.
    """
    return [
        Sample(
            index=index,
            prompt=prompt(_text(fields, "article", where)),
            reference=_text(fields, "highlights", where) if "highlights" in fields else None,
        )
        for index, (where, fields) in enumerate(_lines(data, path))
    ]


def read_article_texts(data: bytes, path: Path) -> list[str]:
    """The `article` of every JSON line; needs no reference summary."""
    return [_text(fields, "article", where) for where, fields in _lines(data, path)]


def _lines(data: bytes, path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """What to call each line in an error, and its object. Blank lines are passed over; an id occurs once."""
    seen: dict[str, int] = {}
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not line.strip():
            continue
        where = f"dataset {path}, line {number}"
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise UserError(f"{where} is not JSON: {error}.") from error
        fields = _object(value, where)
        identity = _text(fields, "id", where)
        if identity in seen:
            raise UserError(f"{where}: id {identity!r} was already used in line {seen[identity]}.")
        seen[identity] = number
        yield where, fields


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UserError(f"{where}: expected an object with named fields, found {type(value).__name__}.")
    return value


def _text(fields: dict[str, Any], name: str, where: str) -> str:
    if name not in fields:
        raise UserError(f"{where}: the field {name!r} is missing; it has {', '.join(sorted(fields)) or 'none'}.")
    value = fields[name]
    if not isinstance(value, str) or not value.strip():
        raise UserError(f"{where}: the field {name!r} must be a text that isn't empty.")
    return value


def _token_ids(value: Any, where: str) -> TokenIds:
    # type() rather than isinstance: JSON's true is an int to Python, but no token id.
    if not isinstance(value, list) or not value or any(type(item) is not int for item in value):
        raise UserError(f"{where}: the field 'tok_input' must be a list of token ids that isn't empty.")
    if min(value) < 0 or max(value) > _MAX_TOKEN_ID:
        raise UserError(f"{where}: the field 'tok_input' has an id outside 0 to {_MAX_TOKEN_ID}.")
    return np.array(value, dtype=np.int32)
