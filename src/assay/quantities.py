"""Numbers and names as a configuration may hold them: within bounds that no real system comes near.

A number beyond them is a slip of the keyboard; taken seriously it fills the memory, or overflows a clock in
nanoseconds, long after the run has begun.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

A_YEAR_S = 366 * 86_400
MOST_SAMPLES = 10_000_000
MOST_TOKENS = 10_000_000
"""Of one prompt or answer: more than any model reads."""

Count = Annotated[int, Field(ge=1, le=1_000_000_000)]
"""Of requests and the like."""
Samples = Annotated[int, Field(ge=1, le=MOST_SAMPLES)]
Tokens = Annotated[int, Field(ge=1, le=MOST_TOKENS)]
Several = Annotated[int, Field(ge=1, le=1024)]
"""Of what is named or started one by one: servers, processes, repeats."""
AtOnce = Annotated[int, Field(ge=1, le=1_000_000)]
"""Requests in flight, sequences in a batch."""
Seed = Annotated[int, Field(ge=0, le=2**63 - 1)]
Seconds = Annotated[float, Field(gt=0, le=A_YEAR_S)]
Milliseconds = Annotated[float, Field(ge=0, le=86_400_000)]
Rate = Annotated[float, Field(ge=1e-6, le=1e7)]
"""A second."""
Factor = Annotated[float, Field(ge=1e-6, le=1e6)]
Price = Annotated[float, Field(ge=0, le=1e9)]
Sigma = Annotated[float, Field(ge=0, le=10)]


def _percent(value: Any) -> Any:
    """`3%` or `3 %` as 0.03."""
    if not isinstance(value, str) or not (found := _PERCENT.fullmatch(value)):
        return value
    return round(float(found[1]) / 100, 12)


_PERCENT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%\s*")
_Share = Annotated[float, Field(gt=0, lt=1)]
Percent = Annotated[_Share, BeforeValidator(_percent, json_schema_input_type=_Share | str)]
"""A share, as a number or as text such as 3%."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _variable(name: str) -> str:
    if not _VARIABLE.fullmatch(name):
        # Not shown: where a name is asked for, the secret itself is pasted now and then.
        raise ValueError("this is no variable's name: write letters, digits and _, no digit first")
    return name


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("holds a line break or a control character")
    return text


def _word(text: str) -> str:
    if text.startswith("-") or any(character in " \"'\\#`$" for character in text):
        raise ValueError("holds a space, a quote or a sign that shells read, or begins with -")
    return text


def from_here(path: str) -> str:
    """What begins with ~ is the same from everywhere, and may be meant for another machine's home."""
    return path if path.startswith("~") else str(Path(path).absolute())


Variable = Annotated[str, AfterValidator(_variable)]
"""The name of an environment variable."""
OneLine = Annotated[str, AfterValidator(_one_line)]
"""Text that begins no line of its own, in a script or a comment."""
MaybeWord = Annotated[OneLine, AfterValidator(_word)]
"""A `Word`, or nothing said."""
Word = Annotated[MaybeWord, Field(min_length=1)]
"""One word to every shell, and to sbatch and kubectl: a name, an address, an image."""
LocalFile = Annotated[OneLine, AfterValidator(from_here)]
"""A file of this machine, found from the folder in which Assay was called: what is kept of it holds in any other."""
LocalPath = Annotated[Path, AfterValidator(lambda path: Path(from_here(str(path))))]
"""A `LocalFile`, or a folder."""


def truths_misread(given: Any, taken: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where plain data says true or false and something else was made of it: Pydantic counts with them as 1 and 0.

    `taken` is the model that was made of the data `given`.
    """
    if isinstance(given, bool):
        if not (taken is None or isinstance(taken, bool)):
            yield place
    elif isinstance(given, Mapping):
        for key, inner in given.items():
            yield from truths_misread(inner, _at(taken, key), (*place, key))
    elif isinstance(given, list) and isinstance(taken, list | tuple):
        for index, (inner, value) in enumerate(zip(given, taken, strict=False)):
            yield from truths_misread(inner, value, (*place, index))


NO_NUMBER = "must be a number, which true, false, yes, no, on and off aren't"


def _at(taken: Any, key: Any) -> Any:
    if isinstance(taken, BaseModel):
        fields = type(taken).model_fields
        name = next((name for name, field in fields.items() if key in (name, field.alias)), None)
        return None if name is None else getattr(taken, name)
    return taken.get(key) if isinstance(taken, Mapping) else None
