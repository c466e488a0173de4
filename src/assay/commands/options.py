"""What several commands take, and the one way to print JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from assay.errors import UserError

PATH = click.Path(path_type=Path)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on standard output.")
quiet_option = click.option("--quiet", is_flag=True, help="Print what came out, and no progress.")
set_option = click.option(
    "--set", "overrides", multiple=True, metavar="A.B=C", help="Override one setting; may be repeated."
)


@contextmanager
def writing(place: Path | None) -> Iterator[None]:
    """What can't be written, in one line: the user chose `place`, or the folder that it stands for."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{error.filename or place}: can't be written: {error.strerror or error}") from None


_OBEYED = "[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]"


def chosen_file(file: Path | None) -> Path | None:
    """FILE, else `assay.yaml` of this folder, and says so; None where there is neither."""
    own = Path("assay.yaml")
    if file is None and own.is_file():
        click.echo("assay: using ./assay.yaml", err=True)
        return own
    return file


def print_json(value: Any) -> None:
    """Write `value` (pydantic models, or what JSON knows) to standard output, indented."""
    import orjson
    from pydantic import BaseModel

    def plain(item: Any) -> Any:
        if isinstance(item, BaseModel):
            return item.model_dump(mode="json")
        if isinstance(item, Path):
            return str(item)
        raise TypeError(f"no JSON for {type(item).__name__}")

    text = orjson.dumps(value, default=plain, option=orjson.OPT_INDENT_2).decode()
    # JSON lets stand what some terminals obey; it can only be within strings.
    click.echo(re.sub(_OBEYED, lambda found: f"\\u{ord(found[0]):04x}", text))
