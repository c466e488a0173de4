"""Learning, before the clock, what a campaign's servers take, and writing the requests so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from assay.campaign.prepare import Prepared
from assay.cluster.launcher import LaunchError
from assay.cluster.together import together
from assay.engines import Engine
from assay.errors import AssayError, UserError
from assay.load.api_probe import confirm_api, probe_api
from assay.load.encoders import Prompt
from assay.load.encoders.prompt import Turn
from assay.runs.api import PromptForm
from assay.serving.connection import EndpointConnection

_IDS, _LETTERS = 16, 64  # fewer tokens than any context has
AT_ONCE = 256
"""Requests, each to another endpoint: they wait for its model, which takes seconds, and cost little here."""
_FORMS: tuple[PromptForm, ...] = ("ids", "text", "chat")


async def learn_api(engine: Engine, prepared: Prepared, connections: Mapping[str, EndpointConnection]) -> str:
    """Ask each endpoint for a few tokens, and write the bodies in the form that they take; a line about it.

    Nothing is asked where the engine knows. Raises LaunchError, in the server's words, where nothing is answered.
    """
    if engine.api is None:
        return ""
    prompt = _small(prepared.prompts)
    least = prepared.benchmark.min_new_tokens if engine.takes.min_tokens else None
    first, *others = connections.values()
    try:
        api = await probe_api(first, engine.model, engine.api, prompt, least)
        confirm = partial(confirm_api, model=engine.model, facts=api, prompt=prompt)
        simulated = [told.simulated for told in await together(others, confirm, AT_ONCE)]
    except UserError:
        raise
    except AssayError as error:
        raise LaunchError(str(error)) from None
    remarks = list(dict.fromkeys(remark for connection in connections.values() for remark in connection.remarks()))
    api = api.model_copy(update={"notes": api.notes + remarks, "simulated": any([api.simulated, *simulated])})
    prepared.encode(engine.model, api)
    return api.words


def _small(prompts: Sequence[Prompt]) -> Prompt:
    """The start of the last prompt, in every form that all of them have: a conversation has no text of its own.

    It is short, so that no server finds it too long: what is to be learnt is the form that it takes.
    """
    last = prompts[-1]
    ids, text, chat = (all(prompt.has(form) for prompt in prompts) for form in _FORMS)
    return Prompt(
        ids=last.ids[:_IDS] if ids and last.ids is not None else None,
        text=last.text[:_LETTERS] if text and last.text is not None else None,
        messages=[_begun(turn) for turn in last.messages[-1:]] if chat and last.messages is not None else None,
    )


def _begun(turn: Turn) -> Turn:
    return {**turn, "content": turn["content"][:_LETTERS]}
