"""A series that goes on for days in little memory."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class Thinned(Generic[T]):
    """Items from the first on, evenly apart: when they are too many, every second one is dropped, and so it goes on."""

    def __init__(self, most: int) -> None:
        self.items: list[T] = []
        self._most, self._stride, self._seen = most, 1, 0

    def add(self, item: T) -> None:
        if self._seen % self._stride == 0:
            self.items.append(item)
        self._seen += 1
        if len(self.items) > self._most:
            self.items = self.items[::2]
            self._stride *= 2

    def clear(self) -> None:
        self.items, self._stride, self._seen = [], 1, 0
