"""The server's count of tokens goes with the text that it sent."""

from __future__ import annotations

from collections.abc import Iterator

from assay.audit.evidence import RunEvidence
from assay.audit.registry import Check, run_rule, supported, unsupported

_ROOM = 1.2
_ANSWER = 4


@run_rule(
    "usage-and-text",
    explain="""
    tokens by usage <= 1.2 x tokens of the text + 4 an answer, and the other way round

Where a server sends no token ids, its usage is its word alone; requests.parquet may hold what a tokenizer counted in
the same answers' text. The end of the sequence has no text, and a text that is tokenised again may come out in other
pieces: that is what the room is for. Beyond it the token rate is unsupported: the server miscounts, or the tokenizer
isn't its model's. Where answers were made to go on behind the end of the sequence, what follows may have no text, and
usage may be higher.
""",
    source="requests.parquet: streamed_tokens and text_tokens of answers counted by usage",
)
def check(run: RunEvidence) -> Iterator[Check]:
    outputs = run.outputs
    usage, text = outputs.usage_tokens, outputs.text_tokens
    if usage is None or text is None:
        return
    room = _ANSWER * outputs.usage_answers
    words = f"{usage} output tokens by usage"
    sums = f"{text} in the text of the same {outputs.usage_answers} answers, by the tokenizer"
    above = usage > _ROOM * text + room and not outputs.endless
    below = text > _ROOM * usage + room
    yield unsupported(words, sums) if above or below else supported(words, sums)
