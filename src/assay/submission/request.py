"""What is to be submitted as whose, in which division of which round."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from assay.benchmarks.mlperf import ROUND
from assay.errors import UserError

Division = Literal["closed", "open", "network"]
DIVISIONS: tuple[Division, ...] = ("closed", "open", "network")
ROUNDS = ("v6.0", "v6.1")
"""Those whose trees have the same form; earlier ones kept measurements and compliance tests elsewhere."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Request:
    """The words of a submission that no run holds.

    `rehearsal`: a tree for practice, of runs that can't be submitted; it says so wherever it is read.
    """

    organisation: str
    division: Division
    round: str = ROUND
    rehearsal: bool = False

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.organisation):
            raise UserError(
                f"--org {self.organisation!r} becomes a folder's name: letters, digits, '.', '_' and '-', 64 at most"
            )


def folder_name(title: str) -> str:
    """A system's name as that of its folder: what a path shouldn't hold becomes an underscore."""
    return re.sub(r"[^A-Za-z0-9.-]+", "_", title).strip("_.")[:100]
