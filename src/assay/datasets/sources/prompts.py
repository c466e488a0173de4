"""Prompts or conversations: `{"prompt": text}` or `{"messages": [{"role", "content"}, …]}`, and what goes with them.

Beside them, each perhaps: the reference answer as `reference`, `output` or `highlights`; `max_tokens`; `session` and
`think_ms`, for turns of one conversation in lines of their own; `timestamp`, ms, when a trace sends it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from assay.datasets.conversation import Turn, first_gap, turns_to_samples, whole
from assay.datasets.model import Message, Sample
from assay.datasets.sources.mlperf import has_token_ids
from assay.datasets.sources.rows import Row, milliseconds_to_ns
from assay.datasets.sources.source import Reading, Request, RowFormat
from assay.errors import UserError

_ROLES = ("system", "developer", "user", "assistant", "tool")


def _read(rows: Sequence[Row], request: Request) -> Reading:
    samples: list[Sample] = []
    for number, row in enumerate(rows):
        for sample in _samples(row, f"conversation-{number}", request.config.sessions):
            samples.append(replace(sample, index=len(samples)))
    return Reading(samples)


def _samples(row: Row, name: str, sessions: bool) -> list[Sample]:
    if row.has("prompt") == row.has("messages"):
        raise UserError(f"{row.where}: give it a prompt or messages, and not both.")
    common: dict[str, Any] = {
        "reference": row.optional_text("reference", "output", "highlights"),
        "max_tokens": row.optional_integer("max_tokens", 1),
        "arrival_ns": row.optional_ns("timestamp"),
        "session": _session(row),
        "think_ns": row.optional_ns("think_ms"),
    }
    given = {key: value for key, value in common.items() if value is not None}
    if row.has("prompt"):
        return [Sample(index=0, prompt=row.text("prompt"), **given)]
    turns = _turns(row)
    if gap := first_gap(turns):
        raise UserError(f"{row.where}: {gap}.")
    session = given.get("session")
    if session is not None or not sessions:  # a line with a session of its own is one turn of it already
        return [replace(whole(turns, session), **given)]
    made = turns_to_samples(turns, name)
    # The row's own reference answers its last user turn; its time is when the conversation begins.
    first, last = {k: v for k, v in given.items() if k in ("arrival_ns", "think_ns")}, given.get("reference")
    made = [replace(sample, max_tokens=given.get("max_tokens")) for sample in made]
    made[0] = replace(made[0], **first)
    made[-1] = replace(made[-1], reference=last or made[-1].reference)
    return made


def _session(row: Row) -> str | None:
    value = row.fields.get("session")
    return str(value) if type(value) is int else row.optional_text("session")


def _turns(row: Row) -> list[Turn]:
    turns = []
    for number, item in enumerate(row.items("messages"), start=1):
        where = f"{row.where}, message {number}"
        if not isinstance(item, dict) or item.get("role") not in _ROLES:
            raise UserError(f"{where}: expected an object with content and a role ({', '.join(_ROLES)}).")
        think = item.get("think_ms")
        turns.append(
            Turn(
                Message(item["role"], _content(item, where)),
                None if think is None else milliseconds_to_ns(think, "think_ms", where),
            )
        )
    return turns


def _content(item: Mapping[str, Any], where: str) -> str:
    """The message's text; OpenAI's list of parts is put together where all of them are texts."""
    content = item.get("content")
    if isinstance(content, list):
        parts = [
            part.get("text") if isinstance(part, dict) and part.get("type") == "text" else None for part in content
        ]
        if not parts or not all(isinstance(part, str) for part in parts):
            raise UserError(f"{where}: only parts of type text can be sent.")
        content = "\n".join(str(part) for part in parts)
    if not isinstance(content, str) or not content.strip():
        raise UserError(f"{where}: the content must be a text that isn't empty.")
    return content


FORMAT = RowFormat(
    name="prompts",
    fields="prompt or messages, perhaps reference and max_tokens",
    fits=lambda fields: ("prompt" in fields or "messages" in fields) and not has_token_ids(fields),
    read=_read,
)
