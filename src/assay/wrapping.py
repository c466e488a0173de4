"""Lines that end between words: a terminal by itself would break numbers."""

from __future__ import annotations

import re
import textwrap

_HANG = "  "
_WHOLE = re.compile(r"`[^`]*`|(?<=\d) (?=(?:[%\u00d7]|[mn]?s|min|h|d|[KMG]iB|°C|W)(?!\w))")
"""What is to be typed, and the space between a number and its unit."""
_HELD = "\ue000"
"""Stands for a space at which no line ends: no text has it, since Unicode gives it no meaning."""


def between_words(text: str, width: int, hang: str = _HANG) -> str:
    """Each line in lines of at most `width`, the later ones indented by `hang` more.

    A longer word, as a path is, stays whole, and so do what is to be typed, between backticks, and a number with its
    unit.
    """
    return "\n".join(_between_words(line, width, hang) for line in text.splitlines())


def _between_words(line: str, width: int, hang: str) -> str:
    indent = line[: len(line) - len(line.lstrip())]
    wrapper = textwrap.TextWrapper(
        width, subsequent_indent=indent + hang, break_long_words=False, break_on_hyphens=False
    )
    held = _WHOLE.sub(lambda found: found[0].replace(" ", _HELD), line)
    return wrapper.fill(held).replace(_HELD, " ")


def first_clause(sentence: str) -> str:
    """Up to the first semicolon that isn't in brackets, without the full stop."""
    depth = 0
    for place, sign in enumerate(sentence):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign == ";" and not depth:
            return sentence[:place]
    return sentence.removesuffix(".")
