"""Lines that end between words: a terminal by itself would break numbers."""

from __future__ import annotations

import textwrap

_HANG = "  "


def between_words(text: str, width: int) -> str:
    """Each line in lines of at most `width`, the later ones indented; a longer word, as a path is, stays whole."""
    return "\n".join(_between_words(line, width) for line in text.splitlines())


def _between_words(line: str, width: int) -> str:
    indent = line[: len(line) - len(line.lstrip())]
    wrapper = textwrap.TextWrapper(
        width, subsequent_indent=indent + _HANG, break_long_words=False, break_on_hyphens=False
    )
    return wrapper.fill(line)


def first_clause(sentence: str) -> str:
    """Up to the first semicolon that isn't in brackets, without the full stop."""
    depth = 0
    for place, sign in enumerate(sentence):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign == ";" and not depth:
            return sentence[:place]
    return sentence.removesuffix(".")
