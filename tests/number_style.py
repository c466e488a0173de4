"""What docs/page-style.md says of numbers, held against a text."""

from __future__ import annotations

import re

# Campaigns' and runs' ids, hashes, ports, paths and what is to be typed are names; a gate's words are those that were
# recorded, and a setting of LoadGen's is as its log and its configuration have it.
_AS_IT_IS = (
    r"\d{8}T\d{6}Z|[0-9a-f]{8,}|(?<=127\.0\.0\.1:)\d+|/\S+|`[^`]+`|samples of \d+"
    r"|\w+ is \d+, the rules ask for at least \d+"
)
_WRONG = r"\d%|\d[eE][+-]\d|(?<![\d.,#])\d{5,}"


def numbers_without_style(text: str) -> list[str]:
    """Per cent signs that touch a number, powers of ten, and thousands that aren't apart, each with what is near."""
    plain = re.sub(_AS_IT_IS, "", text)
    return [plain[max(0, found.start() - 30) : found.end() + 30] for found in re.finditer(_WRONG, plain)]
