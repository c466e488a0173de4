"""What a decoded JSON reply says: tokens, text, finish reason, usage."""

from __future__ import annotations

from typing import Any

import orjson

from assay.load.transport.exchange import Exchange, Outcome
from assay.serving.words import shown


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
    if status == 429:
        return Outcome.HTTP_429
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
    choices = reply.get("choices")
    if not isinstance(choices, list):
        raise malformed("no list of choices", payload)
    if not choices:
        return
    choice = choices[0]
    if len(choices) > 1 or not isinstance(choice, dict) or choice.get("index", 0) != 0:
        raise malformed("more than one choice", payload)
    _absorb_choice(choice, payload, now_ns, exchange)


def text_of(choice: dict[str, Any]) -> Any:
    """The text in a choice, of either endpoint; anything but a string or None is malformed."""
    message = choice.get("delta") or choice.get("message")
    if not isinstance(message, dict):
        return choice.get("text")
    thought, content = message.get("reasoning_content"), message.get("content")
    return thought + content if isinstance(thought, str) and isinstance(content, str) else thought or content


def _absorb_choice(choice: dict[str, Any], payload: bytes, now_ns: int, exchange: Exchange) -> None:
    text = text_of(choice)
    if text is not None and not isinstance(text, str):
        raise malformed("text that isn't a string", payload)
    ids = choice.get("token_ids")
    if ids and not (isinstance(ids, list) and set(map(type, ids)) == {int} and min(ids) >= 0):
        raise malformed("token_ids that aren't a list of numbers", payload)
    if ids or text:
        exchange.first_ns = exchange.first_ns or now_ns
        exchange.last_ns = now_ns
        exchange.chunk_ns.append(now_ns)
        exchange.chunk_tokens.append(len(ids) if ids else -1)
        if ids:
            exchange.ids += ids
        else:
            exchange.ids_missing = True
        if text:
            exchange.text_pieces.append(text)
    reason = choice.get("finish_reason")
    if reason is not None:
        exchange.finish_reason = str(reason)


def _absorb_usage(usage: object, payload: bytes, exchange: Exchange) -> None:
    if not isinstance(usage, dict):
        raise malformed("usage that isn't an object", payload)
    prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens")
    for count in (prompt, completion):
        if count is not None and (type(count) is not int or count < 0):
            raise malformed("usage that isn't a count", payload)
    # Some servers repeat the usage so far in every chunk: the last one counts.
    exchange.usage_prompt = prompt
    exchange.usage_completion = completion


def _error_code(error: object) -> int:
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) and 400 <= code <= 599 else 500


def verdict(exchange: Exchange) -> tuple[Outcome, str]:
    """Whether a reply that ended properly is a good sample, and if not, why."""
    if not exchange.chunk_ns:
        return Outcome.EMPTY, "the reply has no token"
    counted, told = exchange.token_ids, exchange.usage_completion
    if counted is not None and told is not None and len(counted) != told:
        return Outcome.COUNT_MISMATCH, f"{len(counted)} token ids came, but usage says {told}"
    if told == 0:
        return Outcome.COUNT_MISMATCH, "text came, but usage says 0 tokens"
    return Outcome.OK, ""
