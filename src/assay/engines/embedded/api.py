"""The requests that the server understands, as vLLM does, and why it refuses others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError


class ApiError(Exception):
    """An answer with status 4xx or 503 and OpenAI's error body."""

    def __init__(self, status: int, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self._param = param

    def body(self) -> bytes:
        """OpenAI's error object."""
        kind = {404: "NotFoundError", 405: "MethodNotAllowed", 503: "ServiceUnavailableError"}
        error = {"message": str(self), "type": kind.get(self.status, "BadRequestError")}
        return orjson.dumps({"error": {**error, "param": self._param, "code": self.status}})


class StreamOptions(BaseModel):
    """`include_usage`: a last chunk with the token counts."""

    include_usage: bool = False


class Message(BaseModel):
    """One turn of a chat."""

    role: Literal["system", "user", "assistant"]
    content: str


class GenerationRequest(BaseModel):
    """What both kinds of request have in common; fields that don't change the answer are ignored, as in vLLM."""

    model_config = ConfigDict(strict=True, extra="allow")

    model: str | None = None
    min_tokens: Annotated[int, Field(ge=0)] = 0
    temperature: float = 1.0  # OpenAI's default
    stream: bool = False
    stream_options: StreamOptions = StreamOptions()
    return_token_ids: bool = False
    ignore_eos: bool = False
    stop_token_ids: list[int] = []


class CompletionRequest(GenerationRequest):
    """`POST /v1/completions`."""

    prompt: str | list[int]
    max_tokens: Annotated[int, Field(ge=1)] = 16  # OpenAI's default


class ChatRequest(GenerationRequest):
    """`POST /v1/chat/completions`. Without a limit the answer may fill the context."""

    messages: Annotated[list[Message], Field(min_length=1)]
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None


R = TypeVar("R", bound=GenerationRequest)

# Fields that would change the answer and aren't supported, with the values that change nothing.
_NEUTRAL: dict[str, tuple[Any, ...]] = {
    "n": (1,),
    "best_of": (1,),
    "use_beam_search": (False,),
    "echo": (False,),
    "suffix": ("",),
    "stop": ("", []),
    "logprobs": (False, 0),
    "top_logprobs": (0,),
    "prompt_logprobs": (0,),
    "logit_bias": ({},),
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
    "repetition_penalty": (1,),
    "truncate_prompt_tokens": (),
    "response_format": ({"type": "text"},),
    "structured_outputs": (),
    "tools": ([],),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What the served model allows."""

    model_name: str
    vocabulary_size: int
    context_length: int


def parse_completion(body: bytes, limits: Limits) -> CompletionRequest:
    """Raises ApiError."""
    request = _validated(CompletionRequest, body, limits)
    if isinstance(request.prompt, list):
        _check_ids("prompt", request.prompt, limits)
    return request


def parse_chat(body: bytes, limits: Limits) -> ChatRequest:
    """Raises ApiError."""
    return _validated(ChatRequest, body, limits)


def answer_limit(request: GenerationRequest, asked: int | None, prompt_tokens: int, limits: Limits) -> int:
    """How many tokens the answer may have. Raises ApiError if prompt and answer don't fit into the context."""
    if prompt_tokens == 0:
        raise ApiError(400, "the prompt is empty", "prompt")
    limit = limits.context_length - prompt_tokens if asked is None else asked
    if limit < 1 or prompt_tokens + limit > limits.context_length:
        wanted = "" if asked is None else f" and max_tokens {asked}"
        raise ApiError(
            400,
            f"this model's maximum context length is {limits.context_length} tokens, prompt and answer together; "
            f"the prompt has {prompt_tokens}{wanted}",
            "prompt",
        )
    if request.min_tokens > limit:
        raise ApiError(400, f"min_tokens {request.min_tokens} is above max_tokens {limit}", "min_tokens")
    return limit


def _validated(kind: type[R], body: bytes, limits: Limits) -> R:
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ApiError(400, f"the body isn't JSON: {error}") from error
    if not isinstance(fields, Mapping):
        raise ApiError(400, "the body must be a JSON object")
    fields = {name: value for name, value in fields.items() if value is not None}
    try:
        request = kind.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ApiError(400, f"{where}: {first['msg']}", where) from error
    if request.model not in (None, limits.model_name):
        raise ApiError(
            404, f"the model `{request.model}` does not exist; this server has `{limits.model_name}`", "model"
        )
    if request.temperature != 0:
        raise ApiError(
            400,
            f"temperature is {request.temperature:g} and must be 0: this engine decodes greedily "
            "(a request that doesn't name it asks for OpenAI's default of 1)",
            "temperature",
        )
    for name, neutral in _NEUTRAL.items():
        if name in fields and fields[name] not in neutral:
            raise ApiError(400, f"{name} isn't supported by this engine", name)
    _check_ids("stop_token_ids", request.stop_token_ids, limits)
    return request


def _check_ids(name: str, ids: list[int], limits: Limits) -> None:
    for index in ids:
        if not 0 <= index < limits.vocabulary_size:
            raise ApiError(400, f"{name}: token id {index} is outside the vocabulary of {limits.vocabulary_size}", name)
