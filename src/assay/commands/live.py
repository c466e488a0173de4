"""The lower part of a terminal while a campaign is carried out: what `assay watch` shows, or what is being done."""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING, TextIO

from rich.live import Live
from rich.text import Text

from assay.errors import UserError
from assay.runs import CampaignFolder
from assay.serving.words import harmless
from assay.watch import Follower, screen
from assay.watch.grid import cut

if TYPE_CHECKING:
    from rich.console import Console

_A_SECOND = 2
_MESSAGES = 3  # lines of the terminal that stay free for what is said meanwhile
_SIGNS = "|/-\\"


def moves(console: Console) -> bool:
    """Whether what was written can be drawn again: on a terminal that isn't dumb, whatever FORCE_COLOR says."""
    file: TextIO = sys.stderr if console.stderr else sys.stdout
    return file.isatty() and not console.is_dumb_terminal and not console.quiet


class LiveView:
    """Drawn again and again below what is said, and gone without a trace once it is taken away."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._follower: Follower | None = None
        self._words = ""
        self._began_s = 0.0

    def show(self, folder: CampaignFolder) -> None:
        """The campaign as it is followed from its files."""
        self._follower = Follower(folder)
        self._start()

    def doing(self, words: str) -> None:
        """What is being done, and for how long now."""
        self._follower, self._words, self._began_s = None, words, time.monotonic()
        self._start()

    def stop(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _start(self) -> None:
        if self._live is None:
            self._live = Live(
                get_renderable=self.drawn,
                console=self._console,
                transient=True,
                refresh_per_second=_A_SECOND,
                redirect_stdout=False,
            )
            self._live.start()

    def drawn(self) -> Text:
        """How it looks now."""
        width, height = self._console.size
        follower = self._follower
        if follower is None:
            return self._sign(width)
        try:
            return screen(follower.poll(), width, max(1, height - _MESSAGES))
        except Exception as error:  # whatever becomes of the view, the run goes on
            name = "" if isinstance(error, UserError) else f"{type(error).__name__}: "
            return Text(harmless(f"{name}{error}"))

    def _sign(self, width: int) -> Text:
        """One line: what is being done is cut where it is too long, and never the time."""
        lasts_s = time.monotonic() - self._began_s
        lasts = f"  {timedelta(seconds=int(lasts_s))}"
        sign = _SIGNS[int(lasts_s * _A_SECOND) % len(_SIGNS)]
        return cut(f"{sign} {self._words}", width - len(lasts)).append(lasts)
