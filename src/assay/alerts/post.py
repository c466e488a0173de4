"""Tells people of alerts: by a webhook, a program, or any service that Apprise knows.

URLs are secrets: no message of this module's, or of what it calls, shows one.
"""

from __future__ import annotations

import logging
import os
import queue
import signal
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import orjson

from assay.alerts.options import AlertOptions, Secret, webhook_url
from assay.errors import UserError
from assay.extras import require
from assay.runs.alerts import AlertEvent
from assay.runs.folder import RunFolder

LIMIT_S = 10.0
"""Of one try."""
_OWN_LIMIT_S = 1.0
"""What a receiver's own time limit may come late, before nobody waits for what it says."""
_TRIES = 2
_MOST_WAITING = 1000
_LAST_POST_S = _TRIES * (LIMIT_S + _OWN_LIMIT_S)

Send = Callable[[bytes, str, str], None]
"""Takes an alert as JSON, its title and its words. Raises Undelivered."""


class UndeliveredError(Exception):
    """Why, in words without a secret."""


class Post:
    """Sends alerts one after another in a thread of its own: who is slow to take them keeps nothing up."""

    def __init__(self, options: AlertOptions, say: Callable[[str], None]) -> None:
        """`say` is told once of each receiver that can't be told, from any thread.

        Raises UserError where a receiver isn't given as it must be.
        """
        self._command = _Command(options.command) if options.command else None
        self._receivers = list(_receivers(options, self._command))
        self.say = say
        self._over = threading.Event()
        self._given_up: set[str] = set()
        self._waiting: queue.Queue[tuple[RunFolder, AlertEvent] | None] = queue.Queue(_MOST_WAITING)
        self._thread = threading.Thread(target=self._run, name="alert post", daemon=True)

    @contextmanager
    def open(self) -> Iterator[None]:
        """While it is, alerts are sent; those that wait at the end are given a moment, and then no more is begun."""
        if not self._receivers:
            yield
            return
        self._thread.start()
        try:
            yield
        finally:
            self._put(None)
            try:
                self._thread.join(_LAST_POST_S)
            finally:  # Ctrl-C may end the moment
                self._end()

    def _end(self) -> None:
        """Leave nothing running, and say what wasn't told in time."""
        self._over.set()
        late = self._thread.is_alive()
        killed = self._command is not None and self._command.end()
        if late:
            ended = f"; the command {self._command} hadn't ended and was killed" if killed else ""
            self.say(f"alerts: not all were told by the campaign's end, and runs have them in alerts.jsonl{ended}")

    def send(self, run: RunFolder, event: AlertEvent) -> None:
        """Have it sent; from any thread."""
        if self._receivers:
            self._put((run, event))

    def _put(self, item: tuple[RunFolder, AlertEvent] | None) -> None:
        try:
            self._waiting.put_nowait(item)
        except queue.Full:  # a receiver has been hanging for long: what is new is in the run's folder all the same
            return

    def _run(self) -> None:
        while (item := self._waiting.get()) is not None and not self._over.is_set():
            run, event = item
            campaign = run.path.absolute().parent.parent.name
            facts = {"campaign": campaign, "run": run.id, **event.model_dump(mode="json"), "utc_ns": event.utc_ns}
            title = f"{campaign}: {event.rule} {event.event}"
            for name, send in self._receivers:
                self._deliver(name, send, orjson.dumps(facts), title, event.words)

    def _deliver(self, name: str, send: Send, body: bytes, title: str, words: str) -> None:
        problem = ""
        for _ in range(_TRIES):
            problem = _tried(send, body, title, words)
            if not problem:
                self._given_up.discard(name)
                return
        if name not in self._given_up and not self._over.is_set():
            self._given_up.add(name)
            self.say(f"alerts: {name} couldn't be told: {problem}; further failures aren't mentioned")


def _tried(send: Send, body: bytes, title: str, words: str) -> str:
    """Why it failed; empty: it didn't. A thread of its own, because no receiver's own time limit covers all of it."""
    problems = [f"no answer in {LIMIT_S:.0f} s"]

    def attempt() -> None:
        try:
            send(body, title, words)
            problems[0] = ""
        except UndeliveredError as error:
            problems[0] = str(error)
        except Exception as error:  # its words may hold the URL
            problems[0] = type(error).__name__

    thread = threading.Thread(target=attempt, name="alert", daemon=True)
    thread.start()
    thread.join(LIMIT_S + _OWN_LIMIT_S)
    return problems[0]


def _receivers(options: AlertOptions, command: _Command | None) -> Iterator[tuple[str, Send]]:
    """Each with its name for messages. Raises UserError where one isn't given as it must be."""
    if options.webhook is not None:
        url = webhook_url(options.webhook)
        yield f"the webhook of {options.webhook.place}", lambda body, title, words: _post(url, body)
    if command is not None:
        yield f"the command {command}", lambda body, title, words: command.tell(body)
    if options.apprise is not None:
        notifier = _apprise(options.apprise)
        yield f"Apprise by {options.apprise.place}", lambda body, title, words: _notify(notifier, title, words)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A POST that is redirected would become a GET, and nobody were told."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect)


def _post(url: str, body: bytes) -> None:
    request = urllib.request.Request(  # noqa: S310 - its scheme was looked at
        url, data=body, headers={"Content-Type": "application/json", "User-Agent": "assay"}, method="POST"
    )
    try:
        with _OPENER.open(request, timeout=LIMIT_S):
            return
    except urllib.error.HTTPError as error:
        raise UndeliveredError(f"it answered with HTTP {error.code}") from None
    except urllib.error.URLError as error:
        reason = error.reason
        words = reason.strerror if isinstance(reason, OSError) else None
        raise UndeliveredError(words or type(reason).__name__) from None


class _Command:
    """A program that is started for each alert, one at a time."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._argv = argv
        self._process: subprocess.Popen[bytes] | None = None
        self._over = False
        self._changing = threading.Lock()

    def __str__(self) -> str:
        return self._argv[0]

    def tell(self, body: bytes) -> None:
        """Raises UndeliveredError."""
        process = self._start()
        try:
            process.communicate(body, timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            self._kill()
            process.wait()
            raise UndeliveredError(f"it hadn't ended after {LIMIT_S:.0f} s and was killed") from None
        if process.returncode:
            raise UndeliveredError(f"it ended with exit code {process.returncode}")

    def _start(self) -> subprocess.Popen[bytes]:
        with self._changing:
            if self._over:
                raise UndeliveredError("the campaign has ended")
            try:
                self._process = subprocess.Popen(
                    self._argv,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,  # Ctrl-C is for the campaign, whose last alerts are told all the same
                )
            except OSError as error:
                raise UndeliveredError(error.strerror or type(error).__name__) from None
            return self._process

    def end(self) -> bool:
        """Start it no more; whether it still ran and was killed."""
        with self._changing:
            self._over = True
        return self._kill()

    def _kill(self) -> bool:
        """With what it started, which hangs more often than a script itself."""
        if self._process is None or self._process.poll() is not None:
            return False
        with suppress(ProcessLookupError):  # it ended just now, and another thread took note of it
            os.killpg(self._process.pid, signal.SIGKILL)
        return True


def _apprise(secret: Secret) -> Any:
    """Raises UserError where Apprise isn't installed, or knows no service by one of the URLs."""
    require("alerts", "alerts.apprise")
    import apprise

    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # it shows URLs
    notifier = apprise.Apprise()
    for number, url in enumerate(secret.urls(), start=1):
        if not notifier.add(url):
            raise UserError(f"alerts: URL {number} of {secret.place} is none that Apprise knows a service by")
    return notifier


def _notify(notifier: Any, title: str, words: str) -> None:
    if not notifier.notify(body=words, title=title):
        raise UndeliveredError("a service took it not")
