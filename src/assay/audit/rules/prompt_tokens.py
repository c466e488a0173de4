"""The server read the prompts that were sent."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from assay.analysis.replies import cut_texts
from assay.audit.evidence import RunEvidence
from assay.audit.folder import MISSING
from assay.audit.registry import Check, contradicted, run_rule, supported, unsupported


@run_rule(
    "prompt-tokens",
    explain="""
    prompt tokens that the server counted >= prompt tokens that were sent, for each answer

where both are known. A server that counts fewer has cut the prompt: it did less work than was asked for, and its
figures are those of shorter prompts. One token fewer may be a way of counting (a first token that the server doesn't
count), and leaves the figures unsupported; more is a contradiction, and the run is refused when it is closed.

Where text was sent, its tokens are known by a guess from its letters alone: figures are unsupported where the server
counted less than an eighth of the guess in most texts (32 letters a token: no tokenizer does that to text), or the same
number, and never more, in texts of very different lengths.
""",
    source="requests.parquet: prompt_tokens_sent, _guessed and _counted, the latter from the server's usage",
)
def check(run: RunEvidence) -> Iterator[Check]:
    facts = run.folder
    if facts is None or facts.rows is None:
        return
    rows = facts.rows
    sent, guessed, counted = (rows[f"prompt_tokens_{name}"][rows.good] for name in ("sent", "guessed", "counted"))
    for reason in cut_texts(guessed, counted):
        yield unsupported("the server read the texts that were sent", reason)
    known = (sent != MISSING) & (counted != MISSING)
    if not known.any():
        return
    missing = np.where(known, sent - counted, 0)
    worst = int(np.argmax(missing))
    words = f"{int(sent[known].sum())} prompt tokens were read, of {int(known.sum())} prompts"
    if missing[worst] <= 0:
        yield supported(words, f"the server counted {int(counted[known].sum())}")
        return
    sums = (
        f"the server counted fewer than were sent of {int((missing > 0).sum())} prompts, "
        f"{counted[worst]} of {sent[worst]} in the worst"
    )
    yield (contradicted if missing[worst] > 1 else unsupported)(words, sums)
