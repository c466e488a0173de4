"""One small request before the clock: what a server takes, and what its replies hold.

It goes through the same encoder and transport as the load. A form of prompt that the server refuses is followed by the
next; a field that isn't everybody's is left out where it is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from assay.errors import AssayError
from assay.load.encoders import ENCODERS, Prompt, encoder_of
from assay.load.retries import Result, result_of
from assay.load.transport import EndpointPool, EndpointSettings, Exchange, Outcome
from assay.runs.api import ApiFacts, PromptForm
from assay.serving.api import ApiOptions
from assay.serving.connection import EndpointConnection

_TOKENS = 4
_LIMIT_S = 60.0
_WAITS = 30
_ATTEMPTS = 3
_RETRY_S = 0.2
_LONGEST_WAIT_S = 10.0
_REFUSED_FORM = (400, 404, 405, 415, 422, 501)
_REFUSED_FIELD = (400, 422)
_OPTIONAL = ("return_token_ids", "min_tokens", "ignore_eos", "stream_options")


async def probe_api(
    connection: EndpointConnection, model: str, options: ApiOptions, prompt: Prompt, min_tokens: int | None
) -> ApiFacts:
    """What the endpoint takes of the forms that `options` allow and `prompt` has. Raises AssayError, in its words."""
    refusals: list[str] = []
    for form in (form for form in forms_of(options) if prompt.has(form)):
        facts = _first_try(form, options, min_tokens)
        exchange = await _asked(connection, model, facts, prompt)
        left_out: list[str] = []
        while exchange.http_status in _REFUSED_FIELD and (fields := _to_leave_out(facts, exchange.detail)):
            facts, left_out = _without(facts, fields), left_out + fields
            exchange = await _asked(connection, model, facts, prompt)
        if _good(exchange):
            return _learnt(facts, exchange, left_out, refusals)
        refusals.append(f"{ENCODERS[form].path} with {_named(form)}: {exchange.detail}")
        if exchange.http_status not in _REFUSED_FORM:
            break
    if not refusals:
        raise AssayError(f"{connection.url}: the samples have no prompt in the form that engine.api asks for")
    raise AssayError(f"{connection.url} answers no request: " + "; ".join(refusals) + _mend(refusals[-1]))


async def confirm_api(connection: EndpointConnection, model: str, facts: ApiFacts, prompt: Prompt) -> ApiFacts:
    """What this endpoint adds. Raises AssayError unless it too takes what another was found to take."""
    exchange = await _asked(connection, model, facts, prompt)
    if not _good(exchange):
        raise AssayError(f"{connection.url} doesn't take what another endpoint takes: {exchange.detail}")
    return facts.model_copy(update={"simulated": facts.simulated or exchange.simulated})


def forms_of(options: ApiOptions) -> list[PromptForm]:
    """The forms to try, those with the most exact count of tokens first."""
    if options.form == "chat":
        return ["chat"]
    forms: list[PromptForm] = ["ids", "text"] if options.prompt == "auto" else [options.prompt]
    return forms if options.form == "completions" else [*forms, "chat"]


def _first_try(form: PromptForm, options: ApiOptions, min_tokens: int | None) -> ApiFacts:
    return ApiFacts(
        form=form,
        probed=True,
        stream=options.stream,
        stream_options=options.stream and options.stream_options,
        min_tokens=min_tokens if options.min_tokens is None else options.min_tokens,
        ignore_eos=options.ignore_eos,
        max_tokens_key="max_tokens" if options.max_tokens_key == "auto" else options.max_tokens_key,
        needs_done=options.needs_done,
        extra_body=options.extra_body,
    )


async def _asked(connection: EndpointConnection, model: str, facts: ApiFacts, prompt: Prompt) -> Exchange:
    """The reply; asked again where the server wants it, or where it failed in passing."""
    encoder = encoder_of(model, facts)
    body, failures = encoder.body(prompt, _TOKENS), 0
    settings = EndpointSettings(
        connection, encoder.path, facts.needs_done, stall_timeout_s=_LIMIT_S, request_timeout_s=_LIMIT_S
    )
    for _ in range(_WAITS):
        exchange = await _one(settings, body)
        result = result_of(exchange.outcome or Outcome.CANCELLED)
        failures += result in (Result.FAILED, Result.UNREACHABLE)
        if result in (Result.ANSWERED, Result.REFUSED) or failures >= _ATTEMPTS or exchange.http_status == 501:
            break
        await asyncio.sleep(min(exchange.retry_after_ns / 1e9, _LONGEST_WAIT_S) or _RETRY_S)
    return exchange


async def _one(settings: EndpointSettings, body: bytes) -> Exchange:
    done: asyncio.Future[Exchange] = asyncio.get_running_loop().create_future()
    pool = EndpointPool(settings, lambda exchange: None, done.set_result, asyncio.get_running_loop())
    try:
        pool.submit(0, body)
        return await asyncio.shield(done)
    finally:
        await pool.close()


def _good(exchange: Exchange) -> bool:
    """An answer, or none where the model had nothing to say to so short a question."""
    return exchange.outcome is Outcome.OK or (exchange.outcome is Outcome.EMPTY and exchange.finish_reason is not None)


def _to_leave_out(facts: ApiFacts, words: str) -> list[str]:
    """The optional fields that a refusal names; all that are left where it names none."""
    present = [name for name in _OPTIONAL if getattr(facts, name) not in (None, False)]
    if "max_completion_tokens" in words and facts.max_tokens_key == "max_tokens":
        return ["max_tokens"]
    return [name for name in present if name in words] or present


def _without(facts: ApiFacts, fields: Sequence[str]) -> ApiFacts:
    changes: dict[str, object] = {name: None if name == "min_tokens" else False for name in fields}
    if changes.pop("max_tokens", None) is False:
        changes["max_tokens_key"] = "max_completion_tokens"
    return facts.model_copy(update=changes)


def _learnt(facts: ApiFacts, exchange: Exchange, left_out: list[str], refusals: list[str]) -> ApiFacts:
    told = bool(exchange.ids or exchange.answer or exchange.thoughts)
    gives_ids = exchange.token_ids is not None if told else None
    notes = [f"refused by the server and left out: {', '.join(left_out)}"] if left_out else []
    return facts.model_copy(
        update={
            "return_token_ids": facts.return_token_ids and gives_ids is not False,
            "gives_ids": gives_ids,
            "simulated": exchange.simulated,
            "gives_usage": exchange.usage_completion is not None,
            "gives_reasoning": bool(exchange.thoughts or exchange.usage_reasoning),
            "notes": [*notes, *(f"refused by the server: {words}" for words in refusals)],
        }
    )


def _named(form: PromptForm) -> str:
    return {"ids": "token ids", "text": "text", "chat": "messages"}[form]


def _mend(words: str) -> str:
    if "without [DONE]" in words:
        return "; set engine.api.needs_done: false (`assay bench`: --no-done) to do without it"
    if "HTTP 401" in words or "HTTP 403" in words:
        return "; set engine.api_key_env or engine.headers (`assay bench`: --api-key-env, --header)"
    return ""
