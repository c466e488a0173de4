"""A server's own words, cut and escaped so that any message can hold them."""

from __future__ import annotations

import re
import unicodedata

SHOWN = 200
"""How many bytes of a reply a message shows."""

LONGEST_NAME = 200
"""Letters of a model's name or of another word that a server chooses."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_OBEYED = ("Cc", "Cf", "Cs", "Zl", "Zp")  # controls, what turns the direction of text, half characters, other line ends

_HIDDEN = b"(secret)"
_secrets: set[bytes] = set()  # of this process: what it has sent, and a server might repeat in its refusal


def keep_secret(value: str) -> None:
    """Never show `value`, though a server does."""
    _secrets.add(value.encode())


def shown(data: bytes) -> str:
    """The first bytes of `data`, escaped and without secrets."""
    for secret in sorted(_secrets, key=len, reverse=True):
        data = data.replace(secret, _HIDDEN)
    more = f"… ({len(data)} bytes)" if len(data) > SHOWN else ""
    text = data[:SHOWN].decode(errors="backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text) + more


def harmless(text: str) -> str:
    """Lines of text without what a terminal would obey: colours are left out, anything else is escaped."""
    text = _COLOUR.sub("", text)
    return "".join(
        c.encode("unicode_escape").decode() if unicodedata.category(c) in _OBEYED and c not in "\n\t" else c
        for c in text
    )


def is_name(value: object) -> bool:
    """Whether tables and pages can hold it as it is: text that fits a line and that no terminal obeys."""
    return isinstance(value, str) and len(value) <= LONGEST_NAME and value.isprintable()


def redirected(location: str) -> str:
    """What a redirect means, for a message."""
    return f"a redirect to {shown(location.encode())}: redirects aren't followed, write the address it points to"


def compressed(encoding: str) -> str:
    """What a compressed reply means, for a message."""
    return f"compressed ({shown(encoding.encode())}) though plain was asked for: have the server or gateway send it so"
