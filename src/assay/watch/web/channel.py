"""One reading of a source for all who listen to it: ten browsers cost no more reading than one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson

from assay.watch.web.parts import Columns, View
from assay.watch.web.sources import Source

EVERY_S = 1.0
_LINGER_S = 30.0
"""A channel that nobody listens to goes on for so long: whoever loads the page again finds it as it was."""
_AGAIN = b"retry: 2000\n\n"
"""A page that lost its stream comes again after so many ms."""
_MOST_ADDED = 240
"""Points that are sent one by one before a page is sent its series anew, with fewer of early times."""


class Channel:
    """Looks at its source while somebody listens, at most once a second."""

    def __init__(self, source: Source, every_s: float = EVERY_S, linger_s: float = _LINGER_S) -> None:
        self._source, self._every_s, self._linger_s = source, every_s, linger_s
        self._view: View | None = None
        self._version = 0
        self._added = 0
        self._whole: bytes | None = None
        self._news: bytes | None = None
        self._listeners = 0
        self._closed = False
        self._changed = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    @property
    def going(self) -> bool:
        """Whether it still looks, or is about to."""
        return not self._closed and (self._task is None or not self._task.done())

    async def listen(self) -> AsyncIterator[bytes]:
        """Server-sent events without end: all there is, then what is new each time that somebody looked."""
        self._listeners += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._follow())
        seen = 0
        try:
            yield _AGAIN
            while True:
                async with self._changed:
                    while self._version == seen and not self._closed and not self._task.done():
                        await self._changed.wait()
                    if self._task.done() and not self._closed:
                        self._task.result()  # a defect: the server tells it, and the page comes again
                    if self._closed or self._version == seen:
                        return
                    message = self._news if seen == self._version - 1 else None
                    seen = self._version
                yield message if message is not None else self._all()
        finally:
            self._listeners -= 1

    async def close(self) -> None:
        """End all listeners."""
        async with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _follow(self) -> None:
        unheard_s = 0.0
        try:
            while self._listeners or unheard_s <= self._linger_s:
                await self._look()
                await asyncio.sleep(self._every_s)
                unheard_s = 0.0 if self._listeners else unheard_s + self._every_s
        finally:
            async with self._changed:
                self._changed.notify_all()

    async def _look(self) -> None:
        view = await asyncio.to_thread(self._source.look)
        news = None if self._view is None else news_of(self._view, view)
        async with self._changed:
            self._added = self._added + 1 if news is not None else 0
            if self._added > _MOST_ADDED:
                news, self._added = None, 0
            self._view, self._whole = view, None
            self._news = None if news is None else event(news)
            self._version += 1
            self._changed.notify_all()

    def _all(self) -> bytes:
        assert self._view is not None
        if self._whole is None:
            self._whole = event(whole_of(self._view))
        return self._whole


def event(message: Mapping[str, Any]) -> bytes:
    """One server-sent event (HTML Standard, 9.2); JSON holds no line's end."""
    return b"data: " + orjson.dumps(message) + b"\n\n"


def whole_of(view: View) -> dict[str, Any]:
    """All of a view, for who joins."""
    return {"whole": True, "parts": view.parts, "series": view.series, "age_s": view.age_s}


def news_of(before: View, view: View) -> dict[str, Any] | None:
    """What a page that shows `before` lacks; None where it is better sent all."""
    if before.parts.keys() != view.parts.keys() or before.series.keys() != view.series.keys():
        return None
    series: dict[str, Columns] = {}
    for name, now in view.series.items():
        more = now.after(before.series[name])
        if more is None:
            return None
        if more.t_ms:
            series[name] = more
    parts = {name: part for name, part in view.parts.items() if part != before.parts[name]}
    return {"parts": parts, "series": series, "age_s": view.age_s}
