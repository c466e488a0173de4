"""What a forgery is: a change to a true folder by somebody who is consistent in what he touches, and the rule that
finds it by content alone (digests he computes again)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Change = Callable[[Path], None]


@dataclass(frozen=True)
class Forgery:
    """`change` edits a copy of the true folder called `base`; `rule` must object to it."""

    name: str
    base: str
    rule: str
    change: Change


class Registry(list[Forgery]):
    """Forgeries in the order in which they are written down."""

    def add(self, name: str, base: str, rule: str) -> Callable[[Change], Change]:
        """Register the function that follows as a forgery."""

        def register(change: Change) -> Change:
            self.append(Forgery(name, base, rule, change))
            return change

        return register
