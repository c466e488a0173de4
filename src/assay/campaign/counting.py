"""Counting prompts' tokens by asking the served model, for prompts that are made to a length."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

from assay.config import Config
from assay.datasets import CannotCountError
from assay.engines import build_engine
from assay.serving.client import ControlClient, ControlError
from assay.serving.connection import EndpointConnection

_LIMIT_S = 30.0
_AT_ONCE = 8
_TRIAL = "time"
_SHOWN = 200  # characters of a server's refusal: the note stands on every page

T = TypeVar("T")


class _Way(NamedTuple):
    """One way of asking how many tokens a prompt has."""

    source: str
    exact: bool
    target: Callable[[EndpointConnection], str]
    body: Callable[[str, str], dict[str, Any]]
    """From a model and a prompt."""
    count: Callable[[Any], int]
    """From the reply; raises KeyError, TypeError or IndexError where it tells no number."""


def _user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def _short(words: str) -> str:
    return words if len(words) <= _SHOWN else f"{words[:_SHOWN]}…"


def _listed(reply: Any) -> int:
    return len(reply["tokens"])


def _used(reply: Any) -> int:
    count = reply["usage"]["prompt_tokens"]
    if type(count) is not int:
        raise TypeError("no number of tokens")
    return count


_ONE_TOKEN = {"max_tokens": 1, "temperature": 0.0, "stream": False}
_TOKENIZE = "the server's /tokenize"
_USAGE = "the usage that the server reports"
_PLAIN = (
    _Way(_TOKENIZE, True, lambda to: to.target("/tokenize"), lambda m, t: {"model": m, "prompt": t}, _listed),
    # llama.cpp's own form; it answers the other with no tokens.
    _Way(_TOKENIZE, True, lambda to: to.target("/tokenize"), lambda m, t: {"content": t, "add_special": True}, _listed),
    _Way(_USAGE, False, lambda to: to.api("/completions"), lambda m, t: {"model": m, "prompt": t, **_ONE_TOKEN}, _used),
)
_CHAT = (
    _Way(_TOKENIZE, True, lambda to: to.target("/tokenize"), lambda m, t: {"model": m, "messages": _user(t)}, _listed),
    _Way(
        *(_USAGE, False, lambda to: to.api("/chat/completions")),
        lambda m, t: {"model": m, "messages": _user(t), **_ONE_TOKEN},
        _used,
    ),
)


class ServerCounter:
    """A `TokenCounter` of one endpoint. It asks nothing before it is asked, and then first how it can know."""

    def __init__(self, connection: EndpointConnection, model: str, form: str = "auto") -> None:
        """`form` is how prompts will be sent: completions, chat, or auto, the first of these that is answered."""
        self._connection = connection
        self._model = model
        self._ways = {"completions": _PLAIN, "chat": _CHAT}.get(form, _PLAIN + _CHAT)
        self._found: _Way | None = None

    @property
    def source(self) -> str:
        return self._way.source

    @property
    def exact(self) -> bool:
        return self._way.exact

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Raises CannotCountError where the server doesn't tell, or stops telling."""
        way = self._way
        try:
            return _wait(self._counts(way, texts))
        except (ControlError, KeyError, TypeError, IndexError) as error:
            raise CannotCountError(f"{way.source} didn't give all counts: {error}") from error

    @property
    def _way(self) -> _Way:
        if self._found is None:
            self._found = _wait(self._look())
        return self._found

    async def _look(self) -> _Way:
        reasons = []
        for way in self._ways:
            try:
                if (await self._counts(way, [_TRIAL]))[0] > 0:
                    return way
                reasons.append(f"{way.source}: no tokens")
            except ControlError as error:
                reasons.append(_short(str(error)))
            except (KeyError, TypeError, IndexError):
                reasons.append(f"{way.source}: not in the reply")
        raise CannotCountError(f"the server tells no token counts ({'; '.join(dict.fromkeys(reasons))})")

    async def _counts(self, way: _Way, texts: Sequence[str]) -> list[int]:
        client, target, room = (
            ControlClient(self._connection),
            way.target(self._connection),
            asyncio.Semaphore(_AT_ONCE),
        )

        async def one(text: str) -> int:
            async with room:
                return way.count(await client.post_json(target, way.body(self._model, text), _LIMIT_S))

        return list(await asyncio.gather(*map(one, texts)))


def server_counter(config: Config) -> ServerCounter | None:
    """A counter of the first server that runs already; None where assay starts them."""
    engine = build_engine(config.engine)
    endpoints = engine.endpoints()
    if not endpoints:
        return None
    first = endpoints[0]
    form = "auto" if engine.api is None else engine.api.form
    return ServerCounter(engine.connection(first.name, first.url, config.reach), engine.model, form)


def served_context(config: Config) -> int | None:
    """Tokens that the first server which runs already says its model holds; None where none runs or says."""
    engine = build_engine(config.engine)
    endpoints = engine.endpoints()
    if not endpoints:
        return None
    client = ControlClient(engine.connection(endpoints[0].name, endpoints[0].url, config.reach))
    try:
        return _wait(client.context_limit(engine.model))
    except ControlError:  # whether it is up is told when it is joined, with more patience
        return None


def _wait(work: Coroutine[Any, Any, T]) -> T:
    """What a coroutine gives, on a loop of its own: data sets are read by code that doesn't wait for anything."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
