"""Programs in a real terminal of 80 x 24, seen as people see them."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

WIDTH, HEIGHT = 80, 24
_LIMIT_S = 150
_OVERRULING = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TTY_COMPATIBLE", "TTY_INTERACTIVE")
"""What around a test would have programs take the terminal for another."""


class Pane:
    """One terminal with one program in it; it stays as the program left it."""

    def __init__(self, socket: Path, name: str) -> None:
        self._tmux = ["tmux", "-S", str(socket)]
        self._name = name

    def run(self, command: list[str], folder: Path, **environment: str) -> None:
        """Start it in a terminal of its own."""
        settings = {**environment, "PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
        left_out = [word for name in _OVERRULING for word in ("-u", name)]
        words = ["env", *left_out, *(f"{name}={value}" for name, value in settings.items()), *command]
        # Ctrl-C reaches the shell as well, which outlives the program to tell how that ended.
        script = f"trap : INT; {shlex.join(words)}; printf '\\nended with %s\\n' $?; exec sleep 600"
        size = ["-x", str(WIDTH), "-y", str(HEIGHT)]
        # The server reads no file of the user's, and takes every byte as UTF-8.
        start = [*self._tmux, "-u", "-f", os.devnull, "new-session", "-d", "-s", self._name, *size, "-c", str(folder)]
        subprocess.run([*start, "sh", "-c", script], check=True, capture_output=True, timeout=60)

    def screen(self, *options: str) -> str:
        """What it shows now; with `-S -` also what went out at the top, with `-e` its colours."""
        shown = subprocess.run(
            [*self._tmux, "capture-pane", "-p", "-t", self._name, *options],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return shown.stdout.rstrip()

    def press(self, key: str) -> None:
        subprocess.run([*self._tmux, "send-keys", "-t", self._name, key], check=True, timeout=60)

    def wait(self, condition: Callable[[str], bool], *options: str) -> str:
        """The first screen that fulfils it: one may be seen half drawn."""
        deadline_s = time.monotonic() + _LIMIT_S
        while not condition(shown := self.screen(*options)):
            assert time.monotonic() < deadline_s, f"not seen; the last was\n{shown}"
            time.sleep(0.3)
        return shown

    def ended(self) -> str:
        """All that was written, once the program is over."""
        return self.wait(lambda shown: "\nended with " in shown, "-S", "-")


@contextmanager
def terminals() -> Iterator[Callable[[str], Pane]]:
    """Makes panes by name; skips where tmux is missing, and takes its server down."""
    if shutil.which("tmux") is None:
        pytest.skip("needs tmux (`make test-setup` installs it)")
    with tempfile.TemporaryDirectory(prefix="tmux-") as folder:  # a socket's path has to be short
        socket = Path(folder) / "socket"
        try:
            yield lambda name: Pane(socket, name)
        finally:
            command = ["tmux", "-S", str(socket), "kill-server"]
            subprocess.run(command, capture_output=True, check=False, timeout=60)
