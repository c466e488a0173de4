"""What a decoded JSON reply says: tokens, text, finish reason, usage."""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from assay import SIMULATOR
from assay.load.transport.exchange import Exchange, Outcome
from assay.serving.words import is_name, redirected, shown

_MOST = 1 << 31
"""Ids and counts of tokens are below: they are kept in 32 bits."""
_LONGEST_WAIT_S = 3600.0
_OF_THEIR_OWN = {408: Outcome.HTTP_408, 429: Outcome.HTTP_429, 503: Outcome.HTTP_503}
_ENDED_WELL = ("stop", "length")
_INT = {int}
_MOST_NAMES = 100
_names: set[str] = set()  # of models, seen and found good: nearly every reply has one of them


class BadReplyError(Exception):
    """The server's reply can't be accepted; carries the outcome and the reason."""

    def __init__(self, outcome: Outcome, detail: str) -> None:
        super().__init__(detail)
        self.outcome = outcome
        self.detail = detail


def malformed(reason: str, data: bytes) -> BadReplyError:
    """A `BadReplyError` that shows the offending bytes."""
    return BadReplyError(Outcome.MALFORMED, f"{reason}: {shown(data)}")


def load(payload: bytes) -> dict[str, Any]:
    """The JSON object in `payload`. Raises `BadReplyError` if there is none, or if it reports an error."""
    try:
        reply = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise malformed(f"not JSON ({error})", payload) from None
    if not isinstance(reply, dict):
        raise malformed("not a JSON object", payload)
    if reply.get("error"):
        raise BadReplyError(status_outcome(_error_code(reply["error"])), f"error in the reply: {shown(payload)}")
    return reply


def status_outcome(status: int) -> Outcome:
    """The failure that an HTTP status other than 200 stands for."""
    if status in _OF_THEIR_OWN:
        return _OF_THEIR_OWN[status]
    if 400 <= status < 500:
        return Outcome.HTTP_4XX
    return Outcome.HTTP_5XX if status >= 500 else Outcome.MALFORMED


def absorb(reply: dict[str, Any], payload: bytes, now_ns: int, exchange: Exchange) -> None:
    """Adds one chunk, or one whole reply, that arrived at `now_ns` to `exchange`.

    Raises `BadReplyError` if the reply isn't a completion with at most one choice.
    """
    usage = reply.get("usage")
    if usage is not None:
        _absorb_usage(usage, payload, exchange)
    model = reply.get("model")
    if model is not None and model != exchange.model:
        exchange.model = model if type(model) is str and model in _names else _new_name(model, payload)
    if reply.get("system_fingerprint") == SIMULATOR:
        exchange.simulated = True
    choices = reply.get("choices")
    if not isinstance(choices, list):
        raise malformed("no list of choices", payload)
    if not choices:
        return
    choice = choices[0]
    if len(choices) > 1 or not isinstance(choice, dict) or choice.get("index", 0) != 0:
        raise malformed("more than one choice", payload)
    _absorb_choice(choice, payload, now_ns, exchange)


def texts_of(choice: dict[str, Any]) -> tuple[Any, Any]:
    """The reasoning and the answer in a choice, of either API; anything but strings and None is malformed."""
    message = choice.get("delta") or choice.get("message")
    if not isinstance(message, dict):
        return None, choice.get("text")
    return message.get("reasoning_content") or message.get("reasoning"), message.get("content")


def _absorb_choice(choice: dict[str, Any], payload: bytes, now_ns: int, exchange: Exchange) -> None:
    thought, text = texts_of(choice)
    if (text is not None and type(text) is not str) or (thought is not None and type(thought) is not str):
        raise malformed("text that isn't a string", payload)
    ids = choice.get("token_ids")
    if ids:
        _absorb_ids(ids, payload, exchange)
    if ids or text or thought:
        if text or not thought:
            exchange.first_answer_ns = exchange.first_answer_ns or now_ns
        exchange.first_ns = exchange.first_ns or now_ns
        exchange.last_ns = now_ns
        exchange.chunk_ns.append(now_ns)
        exchange.chunk_tokens.append(len(ids) if ids else -1)
        if not ids:
            exchange.ids_missing = True
        if text:
            exchange.answer += text.encode()
        if thought:
            exchange.thoughts += thought.encode()
    reason = choice.get("finish_reason")
    if reason is not None:
        exchange.finish_reason = reason if reason in _ENDED_WELL else _named(reason, "finish_reason", payload)
        exchange.finish_ns = exchange.finish_ns or now_ns


def _absorb_ids(ids: Any, payload: bytes, exchange: Exchange) -> None:
    try:
        exchange.ids.fromlist(ids)  # of 32 bits, but neither bool nor negative
        good = set(map(type, ids)) == _INT and min(ids) >= 0
    except (TypeError, OverflowError):
        good = False
    if not good:
        raise malformed("token_ids that aren't a list of numbers of 31 bits", payload)


def _new_name(model: Any, payload: bytes) -> str:
    name = _named(model, "model", payload)
    if len(_names) < _MOST_NAMES:
        _names.add(name)
    return name


def _named(value: Any, what: str, payload: bytes) -> str:
    if not is_name(value):
        raise malformed(f"a {what} that isn't a name", payload)
    return str(value)


def _absorb_usage(usage: object, payload: bytes, exchange: Exchange) -> None:
    if not isinstance(usage, dict):
        raise malformed("usage that isn't an object", payload)
    prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens")
    _check_counts(prompt, completion, payload=payload)
    # Some servers repeat the usage so far in every chunk: the last one counts.
    exchange.usage_prompt = prompt
    exchange.usage_completion = completion
    made, read = usage.get("completion_tokens_details"), usage.get("prompt_tokens_details")
    if made or read:  # few servers have any
        exchange.usage_reasoning = made.get("reasoning_tokens") if isinstance(made, dict) else None
        exchange.usage_cached = read.get("cached_tokens") if isinstance(read, dict) else None
        _check_counts(exchange.usage_reasoning, exchange.usage_cached, payload=payload)
        if (exchange.usage_reasoning or 0) > (completion or 0):
            raise malformed("usage with more reasoning tokens than tokens", payload)


def _check_counts(*counts: Any, payload: bytes) -> None:
    for count in counts:
        if count is not None and (type(count) is not int or not 0 <= count < _MOST):
            raise malformed("usage that isn't a count of 31 bits", payload)


def _error_code(error: object) -> int:
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) and 400 <= code <= 599 else 500


def verdict(exchange: Exchange) -> tuple[Outcome, str]:
    """Whether a reply that ended properly is a good sample, and if not, why."""
    counted, told = exchange.token_ids, exchange.usage_completion
    if not exchange.chunk_ns:
        if not _ended_at_once(exchange):
            return Outcome.EMPTY, "the reply has no token"
        # Its only token, if any, is the end of the sequence, which has no text and came with the finish reason.
        exchange.first_ns = exchange.last_ns = exchange.finish_ns
        exchange.chunk_ns.append(exchange.finish_ns)
        exchange.chunk_tokens.append((told or 0) - exchange.hidden_tokens)
        return Outcome.OK, ""
    agrees = counted is None or told is None or len(counted) == told or len(counted) == told - exchange.hidden_tokens
    if counted is not None and not agrees:
        return Outcome.COUNT_MISMATCH, f"{len(counted)} token ids came, but usage says {told}"
    if told == 0:
        return Outcome.COUNT_MISMATCH, "text came, but usage says 0 tokens"
    return Outcome.OK, ""


def _ended_at_once(exchange: Exchange) -> bool:
    """Whether the server says of a reply without text that it is one: a last token, or reasoning that it kept."""
    told, hidden = exchange.usage_completion, exchange.hidden_tokens
    return bool(told) and (told or 0) - hidden <= 1 and exchange.finish_reason in _ENDED_WELL


def refusal(status: int, headers: Mapping[bytes, bytes], body: bytes, exchange: Exchange) -> tuple[Outcome, str]:
    """The outcome of a reply with another status than 200, in the server's words; notes how long to wait."""
    if 300 <= status < 400:
        location = headers.get(b"location", b"nowhere").decode("latin-1")
        return Outcome.REDIRECTED, f"HTTP {status}: {redirected(location)}"
    outcome = status_outcome(status)
    if outcome in (Outcome.HTTP_429, Outcome.HTTP_503):
        exchange.retry_after_ns = round(_retry_after_s(headers.get(b"retry-after", b"")) * 1e9)
    return outcome, f"HTTP {status}: {shown(body) or 'without a word'}"


def _retry_after_s(value: bytes) -> float:
    """The header's seconds or time; 0 where it says nothing that can be read, an hour at most."""
    text = value.decode("latin-1").strip()
    try:
        wait_s = float(text) if text.isascii() and text.isdigit() else _until(text)
    except (ValueError, OverflowError):
        return 0.0
    return min(max(wait_s, 0.0), _LONGEST_WAIT_S)


def _until(text: str) -> float:
    return parsedate_to_datetime(text).timestamp() - time.time()
