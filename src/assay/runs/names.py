"""Names that become part of a path: one component each, in the files that are read as in those that are written."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

_COMPONENT = re.compile(r"[^/\x00-\x1f\x7f]{1,200}")


def one_component(name: str) -> str:
    """Raises ValueError where `name` would lead elsewhere, or isn't printable on one line."""
    if not _COMPONENT.fullmatch(name) or name in (".", ".."):
        raise ValueError(f"{name!r} is no plain name: it must be one part of a path, without '/', on one line")
    return name


PlainName = Annotated[str, AfterValidator(one_component)]
