"""`assay watch HOST:PATH`: the same command on another machine, through the user's own ssh."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

_ELSEWHERE = re.compile(r"((?:[^/:@\s-][^/:@\s]*@)?[^/:@\s-][^/:@\s]*):(.*)")
_HOME = "~/"


def elsewhere(path: Path) -> tuple[str, str] | None:
    """[USER@]HOST and the path there, as scp tells them apart: a colon before the first slash; what exists is here."""
    match = _ELSEWHERE.fullmatch(str(path))
    return None if match is None or path.exists() else (match[1], match[2])


def command_there(host: str, words: Sequence[str], *, terminal: bool) -> list[str]:
    """OpenSSH's command that runs `words` on `host`, in a terminal there where this is one."""
    return ["ssh", *(["-t"] if terminal else []), "--", host, " ".join(map(_word, words))]


def _word(word: str) -> str:
    """A word for the shell there, which knows whose ~ it is."""
    return f"{_HOME}{shlex.quote(word.removeprefix(_HOME))}" if word.startswith(_HOME) else shlex.quote(word)
