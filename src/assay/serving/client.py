"""The one client for control requests: health, models, versions, metrics. Never used for load.

A request is bounded in time from its first step to its last, and its reply in size. What goes wrong is told in the
server's own words.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal

import httptools
import orjson

from assay import SIMULATOR
from assay.errors import AssayError, system_words
from assay.serving.connection import EndpointConnection
from assay.serving.tunnel import tunnel
from assay.serving.words import compressed, is_name, redirected, shown

LIMIT_S = 5.0
MAX_REPLY_BYTES = 4 << 20
_READ_BYTES = 64 << 10

Kind = Literal["unreachable", "timeout", "tls", "status", "reply"]


class ControlError(AssayError):
    """A control request without the answer that was wanted; `status` is the server's, where it gave one."""

    def __init__(self, message: str, kind: Kind, status: int | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.status = status

    @property
    def passing(self) -> bool:
        """Whether it may go by itself while a server starts; the others stay until somebody mends them."""
        if self.kind == "status":
            return self.status in (408, 429) or (self.status or 0) >= 500
        return self.kind in ("unreachable", "timeout")


@dataclass
class Answer:
    """A server's reply."""

    what: str
    """The request, for messages."""
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    """By lower case name."""
    body: bytes = b""

    def refusal(self) -> ControlError:
        """The reply as an error, with the server's words."""
        if 300 <= self.status < 400:
            words = redirected(self.headers.get("location", "nowhere"))
        else:
            words = shown(self.body) or "without a word"
        return ControlError(f"{self.what} answers {self.status}: {words}", "status", self.status)


class ControlClient:
    """Asks one endpoint, over a connection of its own for each request."""

    def __init__(self, connection: EndpointConnection) -> None:
        self.connection = connection
        self._ssl = connection.ssl_context()

    async def get(self, path: str, limit_s: float = LIMIT_S) -> Answer:
        """The reply to a GET of `path` below the base path, whatever its status. Raises ControlError without one."""
        return await self._request(self.connection.target(path), limit_s)

    async def get_json(self, path: str, limit_s: float = LIMIT_S) -> Any:
        """The JSON at `path`. Raises ControlError if there is none, or another status than 200."""
        return _json(await self._request(self.connection.target(path), limit_s))

    async def post_json(self, target: str, value: Any, limit_s: float = LIMIT_S) -> Any:
        """The JSON that answers `value` at `target` of the connection. Raises ControlError as `get_json`."""
        return _json(await self._request(target, limit_s, orjson.dumps(value)))

    async def models(self, limit_s: float = LIMIT_S) -> list[str]:
        """The names that `/v1/models` lists. Raises ControlError where it doesn't."""
        return [name for name, _ in await self._listed(limit_s)]

    async def context_limit(self, model: str, limit_s: float = LIMIT_S) -> int | None:
        """The tokens of prompt and answer that the server says `model` holds (vLLM's and SGLang's `max_model_len`).

        None where it doesn't say. Raises ControlError where it doesn't list its models.
        """
        said = [item.get("max_model_len") for name, item in await self._listed(limit_s) if name == model]
        return next((limit for limit in said if type(limit) is int and limit > 0), None)

    async def says_simulated(self, limit_s: float = LIMIT_S) -> bool:
        """Whether the server says, in its list of models or in a header, that it is Assay's simulator."""
        try:
            answer = await self._request(self.connection.api("/models"), limit_s)
            listed = [item.get("owned_by") for item in _json(answer)["data"]]
        except ControlError:
            return False
        except (AttributeError, TypeError, KeyError):  # no list of models
            listed = []
        return SIMULATOR in (answer.headers.get("server"), *listed)

    async def _listed(self, limit_s: float) -> list[tuple[str, dict[str, Any]]]:
        answer = await self._request(self.connection.api("/models"), limit_s)
        listed = _json(answer)
        try:
            models = [(item["id"], item) for item in listed["data"]]
        except (TypeError, KeyError):
            models = [(None, {})]
        # Names go to terminals and reports as they are: none may hold what a terminal obeys.
        if not all(is_name(name) for name, _ in models):
            raise ControlError(f"{answer.what} answers with no list of models: {shown(answer.body)}", "reply")
        return models

    async def _request(self, target: str, limit_s: float, body: bytes | None = None) -> Answer:
        method = "GET" if body is None else "POST"
        scheme_host = self.connection.url.partition("://")
        what = f"{method} {scheme_host[0]}://{scheme_host[2].partition('/')[0]}{target}"
        lines = [*self.connection.head(method, target), "Connection: close"]
        if body is not None:
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        request = "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")
        try:
            async with asyncio.timeout(limit_s):
                answer = await self._exchange(what, request)
        except TimeoutError:
            raise ControlError(f"{what} has no answer after {limit_s:g} s", "timeout") from None
        except ssl.SSLError as error:
            raise ControlError(f"{what}: no TLS connection: {error}", "tls") from None
        except OSError as error:
            raise ControlError(f"{what} has no answer: {_refused(error)}", "unreachable") from None
        if encoding := answer.headers.get("content-encoding", "").replace("identity", ""):
            raise ControlError(f"{what} answers {compressed(encoding)}", "reply", answer.status)
        return answer

    async def _exchange(self, what: str, request: bytes) -> Answer:
        reply = _Reply(Answer(what))
        reached = self.connection
        async with asyncio.timeout(reached.connect_timeout_s):
            if reached.proxy:
                own = await tunnel(reached.proxy, reached.host, reached.port)
                name = reached.host if self._ssl else None
                reader, writer = await asyncio.open_connection(sock=own, ssl=self._ssl, server_hostname=name)
            else:
                reader, writer = await asyncio.open_connection(reached.host, reached.port, ssl=self._ssl)
        try:
            writer.write(request)
            while not reply.complete and (data := await reader.read(_READ_BYTES)):
                reply.feed(data)
        finally:
            writer.transport.abort()
        return reply.end()


class _Reply:
    """Reads one reply; httptools calls back into it."""

    def __init__(self, answer: Answer) -> None:
        self.complete = False
        self._answer = answer
        self._size = 0
        self._pieces: list[bytes] = []
        self._started = False
        self._parser: Any = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > MAX_REPLY_BYTES:
            raise ControlError(f"{self._answer.what} answers more than {MAX_REPLY_BYTES >> 20} MiB", "reply")
        try:
            self._parser.feed_data(data)
        except Exception as error:  # httptools has a class a way to be wrong
            if not self.complete:
                raise ControlError(f"{self._answer.what} answers no HTTP ({error}): {shown(data)}", "reply") from None

    def end(self) -> Answer:
        framed = {"content-length", "transfer-encoding"} & self._answer.headers.keys()
        if not self.complete and (not self._started or framed):
            raise ControlError(f"{self._answer.what}: the connection was closed before its answer", "unreachable")
        self._answer.body = b"".join(self._pieces)
        return self._answer

    def on_header(self, name: bytes, value: bytes) -> None:
        self._answer.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._answer.status = self._parser.get_status_code()
        self._started = self._answer.status >= 200

    def on_body(self, piece: bytes) -> None:
        self._pieces.append(piece)

    def on_message_complete(self) -> None:
        if self._started:
            self.complete = True
        else:  # an interim reply: the real one follows
            self._answer.headers.clear()


def _refused(error: OSError) -> str:
    """Why there is no connection, in the system's words: asyncio's own name its function and the address again."""
    number = error.errno or 0
    return os.strerror(number) if number > 0 else system_words(error)  # below 0 are those of names


def _json(answer: Answer) -> Any:
    if answer.status != HTTPStatus.OK:
        raise answer.refusal()
    try:
        return orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        raise ControlError(f"{answer.what} answers no JSON: {shown(answer.body)}", "reply") from None
