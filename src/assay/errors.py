"""Errors that end a command, and the exit code each one gives.

Exit codes: 0 done; 1 the run failed or its result isn't valid; 2 the user's input is wrong; 3 findings
(`audit`, `compare --fail-if-slower`); 130 interrupted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_FINDINGS = 3
EXIT_INTERRUPTED = 130


class AssayError(Exception):
    """Something went wrong that a message explains; shown without a traceback, exit code 1."""

    exit_code = EXIT_FAILED


class UserError(AssayError):
    """A mistake the user can mend: says what is wrong, where, and what to do; exit code 2."""

    exit_code = EXIT_USAGE


class InterruptionError(AssayError):
    """The command was told to end, and says what is kept; exit code 130."""

    exit_code = EXIT_INTERRUPTED
    beside: Mapping[str, Any] | None = None
    """What a command that prints JSON has to show all the same."""


def system_words(error: OSError) -> str:
    """What the system refused, in one line: which file where it is known, and why."""
    why = error.strerror or str(error)
    return why if error.filename is None else f"{error.filename}: {why}"
