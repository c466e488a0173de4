"""A run that is watched for alerts: who is told, and how one ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from assay.alerts import AlertOptions, AlertWatch, Post
from assay.campaign.work import note_traceback
from assay.runs import RunFolder, RunRecord, SystemRecord
from assay.runs.alerts import AlertEvent


def alert_post(options: AlertOptions, say: Callable[[str], None]) -> Post:
    """Raises UserError where a receiver isn't given as it must be."""
    loop = asyncio.get_running_loop()
    return Post(options, lambda text: _within(loop, lambda: say(text)))


@contextmanager
def alerted(
    options: AlertOptions,
    folder: RunFolder,
    record: RunRecord,
    system: SystemRecord,
    post: Post,
    stop: Callable[[AlertEvent], None],
) -> Iterator[None]:
    """Meanwhile the run is watched; `stop` is called where an alert is to end it."""
    loop = asyncio.get_running_loop()

    def tell(event: AlertEvent) -> None:
        post.send(folder, event)
        if event.stops:
            _within(loop, lambda: stop(event))

    def failed(what: str) -> None:
        with suppress(OSError):  # what is missing there is on the disk that takes no more
            note_traceback(folder.driver_log)
        post.say(f"alerts: {what}: see {folder.driver_log}")

    watch = AlertWatch(folder, options.rules, record, system, tell, failed)
    watch.start()
    try:
        yield
    finally:
        watch.stop()


def _within(loop: asyncio.AbstractEventLoop, act: Callable[[], None]) -> None:
    """Have the loop's own thread do it; nothing where it has ended."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(act)


def stopped_words(event: AlertEvent) -> str:
    """Why a run ended that an alert stopped."""
    return f"stopped by the alert {event.rule}, as its configuration asks: {event.words}"
