"""Servers as people run them: each speaks OpenAI's API with one peculiarity or fault. Nothing here is a model.

`with dialect("textonly") as server:` runs one on loopback, in a thread; `server.requests` is what it was asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MODEL = "m"
COMPLETIONS, CHAT = "/v1/completions", "/v1/chat/completions"


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Dialect:
    """What a server does. Times in seconds."""

    name: str
    tokens: int = 8
    gap_s: float = 0.004
    prefix: str = ""
    counts_prompt_as: int | None = None
    longest: int | None = None
    """Tokens of prompt and answer together; what is over is refused with 400."""
    needs: tuple[str, str] | None = None
    """A header and its value."""
    per_s: int | None = None
    """Requests a second that are answered; others get 429."""
    busy_first: int = 0
    """How many requests get 503 first."""
    held_after: int | None = None
    """Events that come when they are due; those after them come at the end, all at once."""
    usage: dict[str, Any] = field(default_factory=dict)
    thoughts: int = 0
    refuses: tuple[str, ...] = ()
    """Fields of a request that get 400."""
    url: str = ""
    requests: list[Asked] = field(default_factory=list)

    @property
    def loads(self) -> list[Asked]:
        """Requests for answers."""
        return [asked for asked in self.requests if asked.method == "POST"]


class _Server:
    def __init__(self, dialect: Dialect) -> None:
        self._is = dialect
        self._posts = 0
        self._broken: set[str] = set()
        self._times: list[float] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while line := await reader.readline():
                method, path, _ = line.decode().split()
                headers = {}
                while (line := await reader.readline()) != b"\r\n":
                    name, _, value = line.decode().partition(":")
                    headers[name.lower()] = value.strip()
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                asked = Asked(method, path, headers, json.loads(body) if body else {})
                self._is.requests.append(asked)
                await self._answer(asked, writer)
                await writer.drain()
        writer.close()

    async def _answer(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        if self._is.needs and asked.headers.get(self._is.needs[0]) != self._is.needs[1]:
            _refuse(writer, 401, f"missing or bad {self._is.needs[0]}")
        elif asked.method == "GET":
            self._get(asked.path, writer)
        elif (refusal := self._refusal(asked)) is not None:
            _refuse(writer, *refusal)
        else:
            await self._stream(asked, writer)

    def _get(self, path: str, writer: asyncio.StreamWriter) -> None:
        if path == self._is.prefix + "/v1/models" and self._is.name != "nomodels":
            said = {"max_model_len": self._is.longest} if self._is.name == "sayslimit" else {}
            _reply(writer, 200, {"object": "list", "data": [{"id": MODEL, **said}]})
        elif path == self._is.prefix + "/health":
            _reply(writer, 200, {})
        else:
            _refuse(writer, 404, "Not Found")

    def _refusal(self, asked: Asked) -> tuple[int, str, list[str]] | None:
        """Status, words and headers where the request isn't answered."""
        dialect, body = self._is, asked.body
        chat = asked.path.endswith(CHAT)
        self._posts += 1
        if asked.path not in (dialect.prefix + COMPLETIONS, dialect.prefix + CHAT):
            return 404, "Not Found", []
        if dialect.name == "chatonly" and not chat:
            return 404, "no such route", []
        if dialect.name == "textonly" and not isinstance(body.get("prompt"), str):
            return 422, "prompt: Input should be a valid string", []
        if unknown := [name for name in dialect.refuses if name in body]:
            return 400, f"unexpected field: {unknown[0]}", []
        if dialect.longest is not None and len(body["prompt"]) + body["max_tokens"] > dialect.longest:
            return 400, f"maximum context length is {dialect.longest} tokens", []
        if dialect.name == "redirect":
            return 307, "", ["Location: https://127.0.0.1/other"]
        if self._posts <= dialect.busy_first:
            return 503, "the model is warming up", ["Retry-After: 1"]
        if dialect.per_s is not None:
            now = asyncio.get_running_loop().time()
            self._times = [time for time in self._times if now - time < 1]
            if len(self._times) >= dialect.per_s:
                return 429, "rate limit reached", ["Retry-After: 1"]
            self._times.append(now)
        return None

    async def _stream(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        dialect, chat = self._is, asked.path.endswith(CHAT)
        prompt = asked.body.get("prompt") or asked.body["messages"]
        limit = asked.body.get("max_tokens") or asked.body.get("max_completion_tokens") or 1
        short = dialect.name == "eosonly" or (dialect.name == "someempty" and len(prompt) % 3 == 0)
        count = 0 if short else min(dialect.tokens, limit)
        told = {
            "prompt_tokens": min(len(prompt), dialect.counts_prompt_as or len(prompt)),
            "completion_tokens": 1 if short else count + dialect.thoughts,
        }
        events = [_event(chat, " word") for _ in range(count)]
        events = [_event(True, thought="hm") for _ in range(dialect.thoughts)] + events
        if dialect.name != "nofinish":
            events.append(_event(chat, "", finish="stop"))
        if dialect.name != "nousage":
            events.append(_data({"choices": [], "usage": told | dialect.usage}))
        if dialect.name == "comments":
            events.insert(0, b": PROCESSING\n\n")
        if dialect.name == "pingevent":
            events.insert(0, b'event: ping\ndata: {"type": "ping"}\n\n')
        if dialect.name != "nodone":
            events.append(b"data: [DONE]\n\n")
        events = [_spelt(dialect.name, event) for event in events]
        if dialect.name == "whole":
            _reply(writer, 200, {"choices": [_choice(chat, " word" * count, finish="stop")], "usage": told})
        elif dialect.name == "gzip":
            _reply(writer, 200, gzip.compress(b"".join(events)), ["Content-Encoding: gzip"])
        else:
            await self._send(events, writer, breaks=dialect.name == "midreset" and self._breaks(prompt))

    def _breaks(self, prompt: object) -> bool:
        """Every third stream, but no prompt's twice: which try comes third is the scheduler's, and a sample
        has three tries."""
        words = json.dumps(prompt)
        if self._posts % 3 or words in self._broken:
            return False
        self._broken.add(words)
        return True

    async def _send(self, events: list[bytes], writer: asyncio.StreamWriter, *, breaks: bool) -> None:
        writer.write(b"HTTP/1.1 200 X\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        if self._is.held_after is not None:
            held = events[self._is.held_after :]
            events = [*events[: self._is.held_after], b"".join(held)]
        for number, event in enumerate(events):
            if number == self._is.held_after:
                await asyncio.sleep(self._is.gap_s * len(held))
            step = 3 if self._is.name == "split" else len(event)
            for piece in (event[at : at + step] for at in range(0, len(event), step)):
                writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                await writer.drain()
            await asyncio.sleep(self._is.gap_s)
            if breaks and number == len(events) // 2:
                writer.transport.abort()
                return
        writer.write(b"0\r\n\r\n")


def _data(event: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(event).encode() + b"\n\n"


def _spelt(dialect: str, event: bytes) -> bytes:
    """The same event in another spelling that the SSE standard allows."""
    said = event.removeprefix(b"data: ").rstrip()
    if dialect == "crlf":
        return b": keep-alive\r\n\r\nevent: message\r\nid: 7\r\nretry: 10\r\ndata:" + said + b"\r\n\r\n"
    if dialect == "multiline" and said.startswith(b"{"):
        lines = json.dumps(json.loads(said), indent=1).encode().splitlines()
        return b"".join(b"data: " + line + b"\n" for line in lines) + b"\n"
    return event


def _event(chat: bool, text: str = "", *, thought: str = "", finish: str | None = None) -> bytes:
    return _data({"model": MODEL, "choices": [_choice(chat, text, thought=thought, finish=finish)]})


def _choice(chat: bool, text: str, *, thought: str = "", finish: str | None = None) -> dict[str, Any]:
    choice: dict[str, Any] = {"index": 0, "finish_reason": finish}
    content = {"reasoning_content": thought} if thought else {"content": text}
    return choice | ({"delta": content} if chat else {"text": text})


def _reply(writer: asyncio.StreamWriter, status: int, body: Any, headers: list[str] | None = None) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", "Content-Type: application/json", f"Content-Length: {len(data)}", *(headers or [])]
    writer.write("\r\n".join([*lines, "", ""]).encode() + data)


def _refuse(writer: asyncio.StreamWriter, status: int, words: str, headers: list[str] | None = None) -> None:
    _reply(writer, status, {"error": {"message": words}} if words else b"", headers)


@contextmanager
def dialect(name: str, *, certificate: tuple[Path, Path] | None = None, **settings: Any) -> Iterator[Dialect]:
    """A server of that dialect while inside; `certificate` and its key make it speak TLS."""
    spoken = Dialect(name, **settings)
    started, ended = threading.Event(), threading.Event()

    async def run() -> None:
        context = None
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
        server = await asyncio.start_server(_Server(spoken).serve, "127.0.0.1", 0, ssl=context, limit=1 << 22)
        scheme = "https" if certificate else "http"
        spoken.url = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}{spoken.prefix}"
        started.set()
        while not ended.is_set():
            await asyncio.sleep(0.02)
        server.close()

    thread = threading.Thread(target=asyncio.run, args=(run(),), daemon=True)
    thread.start()
    started.wait(10)
    try:
        yield spoken
    finally:
        ended.set()
        thread.join(10)
