"""How a process ended, in words."""

from __future__ import annotations

import signal
from collections.abc import Mapping

_CODE = "exit code "
_KILLED = "killed by "
_NAMED = 4


def explain_exit(code: int) -> str:
    """An exit code in plain words. Codes above 128 are signals, as shells write them."""
    number = -code if code < 0 else code - 128
    if number in {item.value for item in signal.Signals}:
        name = signal.Signals(number).name
        hint = " (was the machine out of memory?)" if number == signal.SIGKILL else ""
        return f"{_KILLED}{name}{hint}"
    return f"{_CODE}{code}"


def lost_words(lost: Mapping[str, str]) -> str:
    """Servers that ended by themselves or can't be reached, with why, such as "server a ended by itself (exit code 1)".

    `lost` has why by the server's name: `explain_exit`'s words, or what a launcher says.
    """
    servers: dict[str, list[str]] = {}
    for name, why in lost.items():
        servers.setdefault(why, []).append(name)
    return "; ".join(_lost(names, why) for why, names in servers.items())


def _lost(names: list[str], why: str) -> str:
    several, more = len(names) > 1, len(names) - _NAMED
    named = ", ".join(names[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")
    who = f"server{'s' if several else ''} {named}"
    if why.startswith(_CODE):
        return f"{who} ended by {'themselves' if several else 'itself'} ({why})"
    if why.startswith(_KILLED):
        return f"{who} {'were' if several else 'was'} {why}"
    return f"{who} {'are' if several else 'is'} lost: {why}"
