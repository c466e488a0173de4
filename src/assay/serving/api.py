"""Which API of a server is spoken, and with what in its requests, as a configuration says it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from assay.quantities import MOST_TOKENS

_OURS = ("model", "prompt", "messages", "stream")
# Narrower than for headers: `prompt_cache_key` and `stop_token` are the API's own, and no secrets.
_SECRET_FIELD = re.compile(
    r"(^|.*[-_])(authorization|bearer|(api|secret|access|private)[-_]?key|(access|auth|api)[-_]?token|jwt|passwd|password|secret)",
    re.IGNORECASE,
)


class ApiOptions(BaseModel):
    """What isn't said is learnt from one small request before the clock."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    form: Literal["auto", "completions", "chat"] = Field(
        default="auto", description="/completions or /chat/completions; auto: the first that the server takes"
    )
    prompt: Literal["auto", "ids", "text"] = Field(
        default="auto", description="of completions: token ids, which no server can read otherwise, or text"
    )
    stream: bool = Field(default=True, description="false: whole answers, without times of tokens")
    stream_options: bool = Field(default=True, description="ask for the usage in the stream")
    needs_done: bool = Field(default=True, description="false: a stream may end without [DONE]")
    max_tokens_key: Literal["auto", "max_tokens", "max_completion_tokens"] = Field(
        default="auto",
        description="the name by which the server takes the longest answer; auto: the first that it takes",
    )
    min_tokens: int | None = Field(
        default=None, ge=0, le=MOST_TOKENS, description="default: the benchmark's, where the server takes it"
    )
    ignore_eos: bool = Field(default=False, description="have every answer as long as asked, where the server can")
    extra_body: dict[str, Any] = Field(default_factory=dict, description="merged into every request; recorded")

    @field_validator("extra_body")
    @classmethod
    def _not_ours(cls, extra: dict[str, Any]) -> dict[str, Any]:
        if taken := [name for name in _OURS if name in extra]:
            raise ValueError(f"extra_body can't set {', '.join(taken)}: the request itself does")
        if secret := next(_secret_fields(extra), None):
            raise ValueError(
                f"{secret!r} in extra_body looks like a secret, and this is written to results: send it as a header "
                "whose value comes from an environment variable"
            )
        return extra


def _secret_fields(body: dict[str, Any]) -> Iterator[str]:
    """Names, at any depth, of texts that are secrets by their names."""
    left: list[Any] = [body]
    while left:
        value = left.pop()
        if isinstance(value, list):
            left += value
        elif isinstance(value, dict):
            left += value.values()
            yield from (name for name, item in value.items() if isinstance(item, str) and _SECRET_FIELD.fullmatch(name))
