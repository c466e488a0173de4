"""How a process ended, in words."""

from __future__ import annotations

import signal


def explain_exit(code: int) -> str:
    """An exit code in plain words. Codes above 128 are signals, as shells write them."""
    number = -code if code < 0 else code - 128
    if number in {item.value for item in signal.Signals}:
        name = signal.Signals(number).name
        hint = " (was the machine out of memory?)" if number == signal.SIGKILL else ""
        return f"killed by {name}{hint}"
    return f"exit code {code}"
