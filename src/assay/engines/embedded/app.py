"""What each path of the server answers."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import orjson
from jinja2.sandbox import ImmutableSandboxedEnvironment

from assay import __version__
from assay.engines.embedded import metrics
from assay.engines.embedded.api import (
    ApiError,
    GenerationRequest,
    Limits,
    answer_limit,
    parse_chat,
    parse_completion,
)
from assay.engines.embedded.client import EngineClient, EngineDiedError
from assay.engines.embedded.http import Exchange, Request, UnfinishedAnswerError
from assay.engines.embedded.model import ModelFiles
from assay.engines.embedded.options import ComputeOptions
from assay.engines.embedded.shapes import DONE, ChatShape, CompletionShape, Piece, event, usage
from assay.engines.embedded.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class _Job:
    prompt_ids: list[int]
    max_tokens: int
    stop_ids: list[int]
    request: GenerationRequest
    shape: CompletionShape | ChatShape


class App:
    """The handler of every request; owns the counters, not the engine."""

    def __init__(self, model_name: str, files: ModelFiles, options: ComputeOptions, engine: EngineClient) -> None:
        self._vocabulary = Vocabulary(files.tokenizer_json)
        self._limits = Limits(model_name, len(self._vocabulary), files.context_length)
        self._template = ImmutableSandboxedEnvironment().from_string(files.chat_template)
        self._files = files
        self._options = options
        self._engine = engine
        self._counters = metrics.Counters()
        self._created = int(time.time())

    async def handle(self, request: Request, exchange: Exchange) -> None:
        """Answer one request; refusals are OpenAI's error objects."""
        try:
            match request.method, request.path:
                case "POST", "/v1/completions":
                    await self._generate(self._completion_job(request.body), exchange)
                case "POST", "/v1/chat/completions":
                    await self._generate(self._chat_job(request.body), exchange)
                case "GET", "/health":
                    exchange.send(200 if self._engine.ready.is_set() else 503, b"", "text/plain")
                case "GET", "/v1/models":
                    exchange.send(200, orjson.dumps(self._models()))
                case "GET", "/version":
                    exchange.send(200, orjson.dumps(self._version()))
                case "GET", "/metrics":
                    exchange.send(200, self._metrics(), "text/plain; version=0.0.4; charset=utf-8")
                case _, "/v1/completions" | "/v1/chat/completions" | "/health" | "/v1/models" | "/version" | "/metrics":
                    raise ApiError(405, f"{request.path} doesn't take {request.method}")
                case _:
                    raise ApiError(404, f"there is no {request.path}")
        except ApiError as error:
            exchange.send(error.status, error.body())
        except EngineDiedError as error:
            raise UnfinishedAnswerError from error

    def _models(self) -> dict[str, Any]:
        model = {"id": self._limits.model_name, "object": "model", "created": self._created, "owned_by": "assay"}
        model |= {"root": self._files.gguf_f16.name, "parent": None, "max_model_len": self._limits.context_length}
        return {"object": "list", "data": [model]}

    def _version(self) -> dict[str, Any]:
        return {
            "version": __version__,
            "engine": "openvino-genai",
            "engine_version": self._engine.engine_version,
            "model_sha256": self._files.sha256s[self._files.gguf_f16.name],
            "prefix_caching": False,
            **{name: getattr(self._options, name) for name in ComputeOptions.__dataclass_fields__},
        }

    def _metrics(self) -> bytes:
        engine = self._engine
        return metrics.render(self._limits.model_name, self._counters, engine.running, engine.waiting, engine.kv_usage)

    def _completion_job(self, body: bytes) -> _Job:
        request = parse_completion(body, self._limits)
        prompt = request.prompt
        ids = self._vocabulary.encode(prompt) if isinstance(prompt, str) else prompt
        shape = CompletionShape(self._limits.model_name, ids if request.return_token_ids else None)
        return self._job(request, ids, request.max_tokens, shape)

    def _chat_job(self, body: bytes) -> _Job:
        request = parse_chat(body, self._limits)
        messages = [message.model_dump() for message in request.messages]
        ids = self._vocabulary.encode(self._template.render(messages=messages, add_generation_prompt=True))
        shape = ChatShape(self._limits.model_name, ids if request.return_token_ids else None)
        return self._job(request, ids, request.max_completion_tokens or request.max_tokens, shape)

    def _job(
        self, request: GenerationRequest, ids: list[int], asked: int | None, shape: CompletionShape | ChatShape
    ) -> _Job:
        limit = answer_limit(request, asked, len(ids), self._limits)
        eos = [] if request.ignore_eos else [self._files.eos_id]
        return _Job(ids, limit, list(dict.fromkeys(eos + request.stop_token_ids)), request, shape)

    async def _generate(self, job: _Job, exchange: Exchange) -> None:
        if not self._engine.ready.is_set():
            raise ApiError(503, "the engine isn't ready: the model is still loading, or the engine has ended")
        async with aclosing(self._pieces(job)) as pieces:
            if job.request.stream:
                await self._stream(job, pieces, exchange)
                return
            text, ids, last = "", [], Piece("", [])
            async for last in pieces:
                text += last.text
                ids += last.token_ids
            whole = Piece(text, ids, last.finish_reason, last.stop_reason)
            exchange.send(200, orjson.dumps(job.shape.whole(whole, usage(len(job.prompt_ids), len(ids)))))

    async def _stream(self, job: _Job, pieces: AsyncGenerator[Piece], exchange: Exchange) -> None:
        exchange.start_stream("text/event-stream; charset=utf-8")
        count = 0
        async for piece in pieces:
            if count == 0:
                for opening in job.shape.opening():
                    exchange.send_part(event(opening))
            exchange.send_part(event(job.shape.chunk(piece, first=count == 0)))
            count += len(piece.token_ids)
        if job.request.stream_options.include_usage:
            exchange.send_part(event(job.shape.last_chunk(usage(len(job.prompt_ids), count))))
        exchange.send_part(DONE)
        exchange.end_stream()

    async def _pieces(self, job: _Job) -> AsyncGenerator[Piece]:
        """The answer as it comes. The id that ends it is among its tokens; that token's text isn't shown."""
        stream = self._vocabulary.stream()
        tokens = self._engine.generate(job.prompt_ids, job.max_tokens, job.request.min_tokens, job.stop_ids)
        ended = "abort"
        first = True
        try:
            async with aclosing(tokens):
                async for ids, reason in tokens:
                    if first:
                        self._counters.prompt_tokens += len(job.prompt_ids)
                        first = False
                    self._counters.generation_tokens += len(ids)
                    if reason == "error":
                        ended = reason
                        raise UnfinishedAnswerError
                    shown = ids[:-1] if reason == "stop" else ids
                    by = ids[-1] if reason == "stop" and ids[-1] in job.request.stop_token_ids else None
                    if reason:
                        ended = reason
                    yield Piece(stream.feed(shown, final=reason is not None), ids, reason, by)
        finally:
            self._counters.finished[ended] += 1
