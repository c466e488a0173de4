"""The body of a completion request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from assay.errors import UserError

if TYPE_CHECKING:
    from assay.benchmarks import Sampling


def completion_body(
    model: str,
    prompt: str | Sequence[int] | Sequence[Mapping[str, str]],
    max_tokens: int,
    *,
    min_tokens: int | None = None,
    ignore_eos: bool | None = None,
    stream: bool = True,
    stream_options: bool = True,
    return_token_ids: bool = True,
    max_tokens_key: str = "max_tokens",
    sampling: Sampling | None = None,
    chat: bool = False,
    extra: Mapping[str, Any] | None = None,
) -> bytes:
    """JSON for /v1/completions or, if `chat`, /v1/chat/completions; greedy unless `sampling` or `extra` says otherwise.

    `prompt` is text or token ids; for chat text or messages. Fields that are None or False are left out, because
    strict servers refuse fields they don't know. `extra` is added last and wins.
    """
    request: dict[str, Any] = {"model": model, max_tokens_key: max_tokens, "temperature": 0.0}
    if sampling is not None:
        request |= {"temperature": sampling.temperature, "top_p": sampling.top_p}
    if chat:
        request["messages"] = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else list(prompt)
        if not all(isinstance(message, Mapping) for message in request["messages"]):
            raise UserError("the chat endpoint takes text, not token ids: use /v1/completions for token ids")
    else:
        request["prompt"] = prompt if isinstance(prompt, str) else list(prompt)
    if min_tokens is not None:
        request["min_tokens"] = min_tokens
    if ignore_eos is not None:
        request["ignore_eos"] = ignore_eos
    request["stream"] = stream
    if stream and stream_options:
        request["stream_options"] = {"include_usage": True}
    if return_token_ids:
        request["return_token_ids"] = True
    request.update(extra or {})
    return orjson.dumps(request)
