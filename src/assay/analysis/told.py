"""What the server alone says of its answers: how many tokens they have, and which model made them.

Tokens that only `usage` counts are held against the text that came, where a tokenizer counted it when the run was
closed. Tokenising a text again doesn't give exactly the tokens that were generated: the end of the sequence has no
text, and a model may write a word in other pieces. So the two may differ by `TOLERANCE` of the text's tokens and
`SLACK` tokens an answer, over all answers and in all but `FEW` of them. Where the engine was told to ignore the end of
the sequence, whatever follows it may have no text: then only counts below the text's are judged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from assay.analysis.listing import names
from assay.digits import percent_text
from assay.runs.requests import answered, read_requests

TOLERANCE = 0.2
SLACK = 4
FEW = 0.1
_NAMED = 5
_WORD = "the server's word"


@dataclass(frozen=True)
class Counts:
    """Answers whose tokens only `usage` counts; tokens of those whose text was counted too."""

    answers: int = 0
    checked: int = 0
    usage_tokens: int = 0
    text_tokens: int = 0
    above: int = 0
    """Answers with more tokens by usage than their text can have."""
    below: int = 0

    @property
    def problem(self) -> str:
        """Why they can't both be right; empty where they can, or nothing was checked."""
        if not self.checked:
            return ""
        used, text, room = self.usage_tokens, self.text_tokens, SLACK * self.checked
        high = self.above > FEW * self.checked or (self.above and used > (1 + TOLERANCE) * text + room)
        low = self.below > FEW * self.checked or (self.below and text > (1 + TOLERANCE) * used + room)
        if not (high or low):
            return ""
        return (
            f"usage counts {used} tokens in {self.checked} answers, the tokenizer {text} in the text that came: more "
            f"than {percent_text(TOLERANCE, 0)} and {SLACK} tokens an answer apart, so the server miscounts or the "
            "tokenizer isn't its model's"
        )


@dataclass(frozen=True)
class Told:
    """What was told in the answers of one run."""

    counts: Counts = Counts()
    models: dict[str, dict[str, int]] = field(default_factory=dict)
    """Answers by endpoint and the model that they name, without those that name none."""

    def against(self) -> list[str]:
        """Each reason in a few words; any of them forbids VALID."""
        return [words for words in (self.counts.problem, self.mixed()) if words]

    def mixed(self) -> str:
        """The endpoints whose answers name several models, in one sentence; empty where there is none."""
        several = {endpoint: named for endpoint, named in self.models.items() if len(named) > 1}
        if not several:
            return ""
        counts: Counter[str] = Counter()
        for named in several.values():
            counts.update(named)
        most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        listed = ", ".join(f"{name} {count:,}" for name, count in most[:_NAMED])
        more = "" if len(most) <= _NAMED else f" and {len(most) - _NAMED} more"
        return f"the answers of {names(list(several))} name {len(most)} models ({listed}{more})"

    def notes(self, asked: Mapping[str, str]) -> list[str]:
        """What a reader should know besides. `asked`: the model that each endpoint was asked for."""
        found = []
        if self.counts.answers > self.counts.checked:
            found.append(
                f"Output tokens are {_WORD} (usage) in {self.counts.answers - self.counts.checked:,} answers: nothing "
                "counted them in the text, which takes a tokenizer (tokenizer / --tokenizer)."
            )
        others: dict[str, dict[str, str]] = {}
        for endpoint, named in self.models.items():
            if len(named) == 1 and (name := next(iter(named))) != asked.get(endpoint, name):
                others.setdefault(asked[endpoint], {})[endpoint] = name
        for model, given in others.items():
            was, its = ("was", "its") if len(given) == 1 else ("were", "their")
            others_named = names(list(dict.fromkeys(given.values())))
            found.append(f"{names(list(given))} {was} asked for {model}, and {its} answers name {others_named}.")
        return found


def read_told(path: Path, *, ignores_end: bool) -> Told:
    """From `requests.parquet`. `ignores_end`: answers go on behind the end of the sequence."""
    columns = ["final", "status", "endpoint", "token_source", "streamed_tokens", "text_tokens", "answer_model"]
    table = answered(read_requests(path, columns))
    by_usage = table.filter(pc.equal(table["token_source"].cast(pa.string()), "usage"))
    checked = by_usage.filter(pc.and_(pc.is_valid(by_usage["text_tokens"]), pc.is_valid(by_usage["streamed_tokens"])))
    used, text = (checked[name].cast(pa.float64()).to_numpy() for name in ("streamed_tokens", "text_tokens"))
    counts = Counts(
        answers=by_usage.num_rows,
        checked=checked.num_rows,
        usage_tokens=int(used.sum()),
        text_tokens=int(text.sum()),
        above=0 if ignores_end else int((used > (1 + TOLERANCE) * text + SLACK).sum()),
        below=int((text > (1 + TOLERANCE) * used + SLACK).sum()),
    )
    return Told(counts, _models(table))


def _models(table: pa.Table) -> dict[str, dict[str, int]]:
    named = table.filter(pc.is_valid(table["answer_model"]))
    columns = [named[name].cast(pa.string()) for name in ("endpoint", "answer_model")]
    groups = pa.table(columns, ["endpoint", "model"]).group_by(["endpoint", "model"]).aggregate([([], "count_all")])
    found: dict[str, dict[str, int]] = {}
    rows: Sequence[Mapping[str, object]] = groups.to_pylist()
    for row in sorted(rows, key=lambda row: (str(row["endpoint"]), str(row["model"]))):
        found.setdefault(str(row["endpoint"]), {})[str(row["model"])] = int(str(row["count_all"]))
    return found
