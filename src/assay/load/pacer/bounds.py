"""Where a load ends: after so many requests, after so long, or whichever comes first."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Bounds:
    """Counts what was issued against what may be. Times are ns on the pacer's clock."""

    most: int | None
    until_ns: int | None
    issued: int = 0

    @property
    def left(self) -> int | None:
        """How many more requests may be issued; None: any number."""
        return None if self.most is None else self.most - self.issued

    def allow(self, due_ns: int) -> bool:
        """Whether one more request may be issued that is due at `due_ns`."""
        return self.left != 0 and (self.until_ns is None or due_ns < self.until_ns)
