"""ShareGPT: `{"conversations": [{"from": "human" | "gpt", "value": text}, …]}`.

A conversation's first question is a sample and its first answer the reference, as is usual with this data; with
`dataset.sessions` every question is one, with the conversation so far. What can't be asked is left out and counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from assay.datasets.conversation import Turn, turns_to_samples
from assay.datasets.model import Message, Sample
from assay.datasets.sources.rows import Row
from assay.datasets.sources.source import Reading, Request, RowFormat
from assay.errors import UserError

_ROLES = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "chatgpt": "assistant",
    "bard": "assistant",
    "bing": "assistant",
    "system": "system",
}


def _read(rows: Sequence[Row], request: Request) -> Reading:
    samples: list[Sample] = []
    left_out = 0
    for number, row in enumerate(rows):
        turns = _turns(row)
        if not any(turn.asks for turn in turns):
            left_out += 1
            continue
        made = turns_to_samples(turns, _session(row, number))
        for sample in made if request.config.sessions else [_opening(made[0])]:
            samples.append(replace(sample, index=len(samples)))
    note = f"{left_out} of {len(rows)} conversations without a question were left out" if left_out else ""
    return Reading(samples, note)


def _opening(first: Sample) -> Sample:
    """The first question alone: as a plain prompt where nothing stands before it, so that any API can be asked."""
    assert first.messages is not None
    alone = len(first.messages) == 1
    return Sample(
        index=0,
        prompt=first.messages[0].content if alone else None,
        messages=None if alone else first.messages,
        reference=first.reference,
    )


def _session(row: Row, number: int) -> str:
    identity = row.fields.get("id")
    return f"{number}-{identity}" if isinstance(identity, str) and identity else str(number)


def _turns(row: Row) -> list[Turn]:
    """From the first question on, with what the system says; the published file has conversations that begin later."""
    turns: list[Turn] = []
    items = row.fields.get("conversations")
    if not isinstance(items, list):
        raise UserError(f"{row.where}: the field 'conversations' must be a list.")
    for number, item in enumerate(items, start=1):
        if not isinstance(item, dict) or item.get("from") not in _ROLES or not isinstance(item.get("value"), str):
            raise UserError(
                f"{row.where}, turn {number}: expected an object with value, a text, and from ({', '.join(_ROLES)})."
            )
        role = _ROLES[item["from"]]
        asked = any(turn.asks for turn in turns)
        if item["value"].strip() and (asked or role != "assistant"):
            turns.append(Turn(Message(role, item["value"])))
    return turns


FORMAT = RowFormat(name="sharegpt", fields="conversations", fits=lambda fields: "conversations" in fields, read=_read)
