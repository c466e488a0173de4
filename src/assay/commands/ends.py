"""How the program ends when it is told to: by Ctrl-C, SIGTERM or SIGHUP (a closed terminal, a lost login), all alike.

Told once, it puts in order what is under way, and says how it ended. Told a third time, it ends at once. What is
ignored as it starts stays ignored: `nohup` works.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import Any, TextIO, TypeVar

from assay.errors import EXIT_INTERRUPTED

T = TypeVar("T")
_NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_AT_ONCE = 3
_MOMENT_S = 0.01
_SHOW_CURSOR = "\x1b[?25h"  # a live line hides it


class Interrupted(KeyboardInterrupt):
    """The program is told to end.

    Not KeyboardInterrupt itself: where that passes through code that was made from text, as a dataclass' is, CPython
    ends by SIGINT whatever catches it.
    """


class Ends:
    """What signals do to this process, from `take_charge` on."""

    def __init__(self) -> None:
        self._told = 0
        self._number: int = signal.SIGTERM
        self._cancel: Callable[[], object] | None = None
        self._say: Callable[[str], object] = _say
        self._last_words: Callable[[], str] = lambda: "interrupted"
        self._terminals: list[TextIO] = []

    def take_charge(self) -> None:
        """From now on the three signals are this one's, but for those that are ignored."""
        self._terminals = [stream for stream in (sys.stdout, sys.stderr) if stream.isatty()]
        for number in _NUMBERS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._on_signal)
        hook = sys.unraisablehook

        def on_unraisable(unraisable: sys.UnraisableHookArgs) -> None:
            if unraisable.exc_type is Interrupted:
                self._say_again()
            else:
                hook(unraisable)

        sys.unraisablehook = on_unraisable

    def over(self) -> None:
        """All is said: what is left is the interpreter's own end, which no signal may turn into another exit code."""
        for number in _NUMBERS:
            if signal.getsignal(number) == self._on_signal:
                signal.signal(number, signal.SIG_IGN)

    def run(
        self,
        work: Coroutine[Any, Any, T],
        orderly: Callable[[], bool],
        last_words: Callable[[], str],
        say: Callable[[str], None] | None,
    ) -> T:
        """Run `work` to its end. While `orderly()`, a signal cancels it, and it takes the time that it needs.

        `say`: who writes what a signal means, from the loop; None: it is written at once. Where a terminal is drawn
        again and again, what is written past who draws it would be drawn over.
        Raises KeyboardInterrupt or asyncio.CancelledError when it is told to end. `last_words` are for an end at once.
        """

        async def main() -> T:
            task, loop = asyncio.current_task(), asyncio.get_running_loop()
            assert task is not None

            def cancel() -> None:
                if not orderly():
                    raise Interrupted
                # Through the loop, which wakes up for it; work that ends before it comes to that has ended well.
                loop.call_soon_threadsafe(task.cancel)

            self._cancel, self._last_words = cancel, last_words
            if say is not None:
                self._say = lambda text: loop.call_soon_threadsafe(say, text)
            try:
                return await work
            finally:
                self._cancel, self._say = None, _say

        return asyncio.run(main())

    def _say_again(self) -> None:
        """What was under way swallowed an interruption, as a weak reference's callback does: it comes once more."""
        self._told -= 1
        again = threading.Timer(_MOMENT_S, signal.pthread_kill, (threading.main_thread().ident, self._number))
        again.daemon = True
        again.start()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self._leave_terminals()
        self._told, self._number = self._told + 1, number
        if self._told >= _AT_ONCE:
            _say(f"{_SHOW_CURSOR if sys.stderr.isatty() else ''}assay: {self._last_words()}")
            os._exit(EXIT_INTERRUPTED)
        if self._told == 1 and self._cancel is None:
            raise Interrupted
        if self._told == 1 and self._cancel is not None:
            self._cancel()
        again = "" if self._told == 1 else "; once more ends at once"
        self._say(f"assay: {signal.Signals(number).name}: closing what is under way and taking servers down{again}")

    def _leave_terminals(self) -> None:
        """Write to terminals that are gone no more: what is left to do must not fail by it."""
        for stream in self._terminals:
            if not stream.isatty():
                _lead_nowhere(stream)


def leave_what_is_full() -> None:
    """Write no more to what takes no more, such as a file on a full disk: the interpreter tries again as it ends, and
    makes an exit code of its own of that."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            _lead_nowhere(stream)


def _lead_nowhere(stream: TextIO) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _say(text: str) -> None:
    with contextlib.suppress(OSError):
        os.write(2, f"{text}\n".encode())


ENDS = Ends()
"""This process'."""
