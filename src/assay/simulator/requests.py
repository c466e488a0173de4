"""What a request's body asks the simulated server for."""

from __future__ import annotations

import math
import random
import zlib
from dataclasses import dataclass
from typing import Any

import orjson

from assay.simulator.config import SimulatorConfig

_BYTES_PER_TOKEN = 4
"""Prompts sent as text are counted so; the simulator has no tokenizer."""
_DEFAULT_MAX_TOKENS = 16


@dataclass(frozen=True, slots=True)
class Asked:
    """A completion request, as far as a simulated server cares."""

    stream: bool
    with_ids: bool
    wants_usage: bool
    user: str | None
    prompt_tokens: int
    place: int
    """Where the output starts in the cycle; the same prompt has the same."""
    total: int
    finish: str


def read_request(body: bytes, config: SimulatorConfig, *, chat: bool) -> Asked:
    """Reads the body. Raises `ValueError` with the reason if it isn't a completion request."""
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"the body is not JSON: {error}") from None
    if not isinstance(request, dict):
        raise ValueError("the body is not a JSON object")
    prompt = request.get("messages" if chat else "prompt")
    if not isinstance(prompt, str | list) or not prompt:
        raise ValueError("no messages" if chat else "no prompt")
    if request.get("n") not in (None, 1):
        raise ValueError("only n = 1 is served")
    place = zlib.crc32(prompt.encode() if isinstance(prompt, str) else orjson.dumps(prompt))
    total, finish = _output_length(request, config, place)
    stream = bool(request.get("stream"))
    return Asked(
        stream=stream,
        with_ids=bool(request.get("return_token_ids")),
        wants_usage=not stream or bool((request.get("stream_options") or {}).get("include_usage")),
        user=request.get("user"),
        prompt_tokens=_prompt_tokens(prompt),
        place=place,
        total=total,
        finish=finish,
    )


def _prompt_tokens(prompt: str | list[Any]) -> int:
    if isinstance(prompt, str):
        return max(1, len(prompt.encode()) // _BYTES_PER_TOKEN)
    if isinstance(prompt[0], dict):
        return sum(_prompt_tokens(str(message.get("content") or " ")) for message in prompt)
    return len(prompt)


def _output_length(request: dict[str, Any], config: SimulatorConfig, place: int) -> tuple[int, str]:
    limit = request.get("max_tokens") or request.get("max_completion_tokens") or _DEFAULT_MAX_TOKENS
    if type(limit) is not int or limit < 1:
        raise ValueError(f"max_tokens must be a number above 0, not {limit!r}")
    if not config.output_tokens or request.get("ignore_eos"):
        return limit, "length"
    length = float(config.output_tokens)
    if config.output_sigma:
        sigma = config.output_sigma
        length *= math.exp(random.Random(config.seed ^ place).gauss(-sigma * sigma / 2, sigma))
    wanted = max(1, round(length), request.get("min_tokens") or 0)
    return (wanted, "stop") if wanted < limit else (limit, "length")
