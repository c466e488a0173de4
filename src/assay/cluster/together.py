"""The same work on many nodes: a bounded part of it at a time, and its failures in one message."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from assay.errors import AssayError

AT_ONCE = 32
"""Connections, calls or processes that are under way at a time, however many nodes there are."""
TOLD = 10
"""Failures whose reason is told; of the others the names."""
NAMED = 50

T = TypeVar("T")
R = TypeVar("R")


async def together(
    items: Iterable[T], work: Callable[[T], Awaitable[R]], at_once: int = AT_ONCE, enough: int | None = None
) -> list[R]:
    """What `work` gives for each of `items`, in their order; at most `at_once` are worked on at a time.

    All are worked on, also after a failure; then the failures are raised as one (see `as_one`). With `enough`, no more
    are begun once so many have failed.
    """
    listed = list(items)
    numbered = enumerate(listed)
    results: dict[int, R] = {}
    failures: dict[int, Exception] = {}

    async def work_on() -> None:
        for number, item in numbered:
            try:
                results[number] = await work(item)
            except Exception as error:  # raised for all, once the others are done
                failures[number] = error
            if enough is not None and len(failures) >= enough:
                return

    async with asyncio.TaskGroup() as group:
        for _ in range(min(at_once, len(listed))):
            group.create_task(work_on())
    if failures:
        untried = len(listed) - len(results) - len(failures)
        raise as_one([failures[number] for number in sorted(failures)], len(listed), untried)
    return [results[number] for number in range(len(listed))]


def as_one(failures: Sequence[Exception], of: int, untried: int = 0) -> Exception:
    """One error that tells what failed, and why, of `of` things, of which `untried` weren't tried any more.

    Failures name what they are about.
    """
    unexpected = [failure for failure in failures if not isinstance(failure, AssayError)]
    if unexpected or len(failures) == 1:
        return (unexpected or failures)[0]
    texts = list(dict.fromkeys(str(failure) for failure in failures))
    if len(texts) == 1:  # about what they share, such as a file that all would read
        return failures[0]
    rest = f", and {untried} weren't tried any more" if untried else ""
    lines = [f"{len(failures)} of {of} failed{rest}:", texts[0], *(_first_line(text) for text in texts[1:TOLD])]
    if more := texts[TOLD:]:
        begun = "; ".join(_first_line(text)[:60] for text in more[:NAMED])
        lines.append(f"and {len(more)} more: {begun}")
    return type(failures[0])("\n".join(lines))


def _first_line(text: str) -> str:
    return text.split("\n", 1)[0]
