"""Endpoints' answers to the same prompts: greedy answers should be the same tokens, whoever gave them.

Every run keeps the token ids of its answers, so prompts that several endpoints answered are there for nothing: in a
scaling campaign each node alone answers all of them, and two runs over all endpoints share theirs out differently.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field

from assay.analysis.chance import dissent_tail, hypergeometric_tail
from assay.runs.record import RunRecord
from assay.runs.shapes import is_live
from assay.scoring import FAMILY_RISK

Ids = NDArray[np.int32]

MOST_PROMPTS = 2000
_GOLDEN = 0x9E3779B1  # spreads the chosen prompts over the data set (Knuth's multiplicative hash)
_FAR_MORE = 1.5
_NOTABLE = 0.01


@dataclass(frozen=True)
class RunAnswers:
    """Answers of one run to at most some 2,000 prompts of the data set, the same in every run."""

    alike: tuple[object, ...]
    """What must be the same where answers are compared: the samples, and how long answers may be."""
    endpoints: dict[str, str]
    """Each one's node."""
    answers: dict[str, dict[int, list[Ids]]] = field(default_factory=dict)
    """By endpoint and sample, in the order of the file."""


class EndpointAnswers(BaseModel):
    """One endpoint's answers beside the others'."""

    model_config = ConfigDict(extra="forbid")

    endpoint: str
    node: str
    prompts: int = Field(description="that another endpoint answered too")
    equal: float = Field(description="share of them with the tokens that most of the others gave")
    first_difference: float | None = Field(
        default=None, description="median place of the first other token, from 1; null: none differs"
    )
    repeated: int = Field(default=0, description="prompts that it answered more than once")
    repeated_equal: float | None = Field(default=None, description="share of these with the same tokens")
    unlike: str = Field(default="", description="how it differs far more than the others, in words; empty: it doesn't")


class AnswersCompared(BaseModel):
    """All endpoints' answers to the prompts that two or more answered."""

    model_config = ConfigDict(extra="forbid")

    runs: int = Field(description="whose answers were compared")
    prompts: int = Field(description="that two or more endpoints answered")
    endpoints: list[EndpointAnswers]
    apart: str = Field(
        default="", description="that endpoints differ from each other more than from themselves; empty: they don't"
    )


def read_answers(path: Path, record: RunRecord) -> RunAnswers | None:
    """A run's answers; None where its file or the server tells no token ids, or prompts depend on what came before."""
    if not path.exists() or is_live(record.shape):
        return None
    nodes = {endpoint.name: endpoint.node for endpoint in record.endpoints}
    api = record.api.form if record.api else None
    found = RunAnswers((record.dataset_sha256, record.max_tokens, record.model, api), nodes)
    answers: dict[str, dict[int, list[Ids]]] = defaultdict(lambda: defaultdict(list))
    share = min(1.0, MOST_PROMPTS / max(1, record.samples))
    columns = ["qsl_idx", "final", "status", "endpoint", "output_ids"]
    for batch in pq.ParquetFile(path, pre_buffer=False).iter_batches(columns=columns, batch_size=4096):
        for row in _chosen(batch, share).to_pylist():
            if row["final"] and row["status"] == "ok" and row["output_ids"] and row["endpoint"] in nodes:
                answers[row["endpoint"]][row["qsl_idx"]].append(np.asarray(row["output_ids"], dtype=np.int32))
    found.answers.update({name: dict(own) for name, own in answers.items()})
    return found if found.answers else None


def _chosen(batch: pa.RecordBatch, share: float) -> pa.RecordBatch:
    index = batch.column("qsl_idx").to_numpy().astype(np.uint64)
    return batch.filter(pa.array((index * np.uint64(_GOLDEN)) % np.uint64(1 << 32) < share * (1 << 32)))


def compare_answers(runs: Sequence[RunAnswers]) -> AnswersCompared | None:
    """Compare endpoints over the runs of the most common kind; None where no prompt was answered by two of them."""
    kinds = [run.alike for run in runs]
    runs = [run for run in runs if run.alike == max(kinds, key=kinds.count)]
    nodes = {name: node for run in runs for name, node in run.endpoints.items()}
    given: dict[str, dict[int, list[Ids]]] = {name: defaultdict(list) for name in sorted(nodes)}
    for run in runs:
        for name, own in run.answers.items():
            for prompt, answers in own.items():
                given[name][prompt] += answers
    table = _Table(given)
    if not table.shared.size:
        return None
    limit = FAMILY_RISK / (3 * len(given) + 1)
    parts = [table.part(place, name, nodes[name], limit) for place, name in enumerate(given)]
    apart = "" if any(part.unlike for part in parts) else table.apart(limit)
    return AnswersCompared(runs=len(runs), prompts=len(table.shared), endpoints=parts, apart=apart)


@dataclass(frozen=True)
class _Tally:
    """How often something differed, of how many times."""

    differ: int
    of: int

    @property
    def share(self) -> float:
        return self.differ / self.of if self.of else 0.0

    def far_above(self, other: _Tally) -> bool:
        """By half and by a hundredth of all: what less is, a busy server's batches may do."""
        return self.share >= _FAR_MORE * other.share + _NOTABLE

    def against(self, other: _Tally) -> str:
        return f"{100 * self.share:.1f} % of {self.of}, others {100 * other.share:.1f} % of {other.of}"

    def without(self, part: _Tally) -> _Tally:
        return _Tally(self.differ - part.differ, self.of - part.of)


@dataclass(frozen=True)
class _Apart:
    """The tallies of all endpoints, and their sum: each is held against the others, without adding them up anew."""

    differ: NDArray[np.int64]
    of_all: NDArray[np.int64]
    whole: _Tally

    @classmethod
    def of(cls, differ: ArrayLike, of: ArrayLike) -> _Apart:
        counts = np.asarray(differ, dtype=np.int64), np.asarray(of, dtype=np.int64)
        return cls(*counts, _Tally(int(counts[0].sum()), int(counts[1].sum())))

    def own(self, place: int) -> _Tally:
        return _Tally(int(self.differ[place]), int(self.of_all[place]))

    def others(self, place: int) -> _Tally:
        return self.whole.without(self.own(place))


class _Table:
    """First answers as numbers, shape (endpoints, prompts): equal numbers are equal tokens, -1 is no answer."""

    def __init__(self, given: dict[str, dict[int, list[Ids]]]) -> None:
        self._given = list(given.values())
        prompts = sorted({prompt for own in self._given for prompt in own})
        self._prompts = prompts
        self._codes = np.full((len(given), len(prompts)), -1, dtype=np.int64)
        columns = {prompt: column for column, prompt in enumerate(prompts)}
        known: list[dict[bytes, int]] = [{} for _ in prompts]
        for row, own in enumerate(self._given):
            for prompt, answers in own.items():
                column = columns[prompt]
                self._codes[row, column] = known[column].setdefault(answers[0].tobytes(), len(known[column]))
        self._answered = (self._codes >= 0).sum(axis=0)
        self.shared = np.flatnonzero(self._answered >= 2)
        dissents, self._expected = self._minorities()
        self._judged = dissents >= 0
        self._dissents = _Apart.of((dissents == 1).sum(axis=1), self._judged.sum(axis=1))
        self._pairs, self._all_pairs = self._of_two()
        repeats = [_repeats(own.values()) for own in self._given]
        self._repeats = _Apart.of([tally.differ for tally in repeats], [tally.of for tally in repeats])

    def _minorities(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Where three or more answered: 1 for an answer that isn't among the most common, else 0 (-1: no answer); and
        the share of such answers by prompt, which is the chance that any one endpoint gave one."""
        dissents = np.full(self._codes.shape, -1, dtype=np.int64)
        expected = np.zeros(self._codes.shape[1])
        for column in np.flatnonzero(self._answered >= 3):
            codes = self._codes[:, column]
            present = codes >= 0
            counts = np.bincount(codes[present])
            dissents[present, column] = counts[codes[present]] < counts.max()
            expected[column] = dissents[present, column].mean()
        return dissents, expected

    def _of_two(self) -> tuple[_Apart, _Tally]:
        """Where just two answered: by endpoint that is one of the two, and of all prompts, how often they differ."""
        columns = np.flatnonzero(self._answered == 2)
        first, second = np.nonzero((self._codes[:, columns] >= 0).T)[1].reshape(-1, 2).T
        differ = self._codes[first, columns] != self._codes[second, columns]
        both, size = np.concatenate([first, second]), len(self._given)
        each = _Apart.of(np.bincount(both, np.tile(differ, 2), size), np.bincount(both, minlength=size))
        return each, _Tally(int(differ.sum()), len(columns))

    def part(self, place: int, name: str, node: str, limit: float) -> EndpointAnswers:
        compared, equal, firsts = self._beside_the_others(place)
        repeats = self._repeats.own(place)
        return EndpointAnswers(
            endpoint=name,
            node=node,
            prompts=compared,
            equal=equal / compared if compared else 0.0,
            first_difference=float(np.median(firsts)) if firsts else None,
            repeated=repeats.of,
            repeated_equal=1 - repeats.share if repeats.of else None,
            unlike="; ".join(self._unlike(place, limit)),
        )

    def _beside_the_others(self, place: int) -> tuple[int, int, list[int]]:
        """Prompts compared, those answered as most of the others did, and where the rest first differ."""
        compared = equal = 0
        firsts = []
        for column in self.shared[self._codes[place, self.shared] >= 0]:
            codes = self._codes[:, column]
            others = np.delete(codes, place)
            most = int(np.argmax(np.bincount(others[others >= 0])))
            compared += 1
            if most == codes[place]:
                equal += 1
                continue
            prompt = self._prompts[column]
            other = self._given[int(np.flatnonzero(codes == most)[0])][prompt][0]
            firsts.append(first_difference(self._given[place][prompt][0], other))
        return compared, equal, firsts

    def _unlike(self, place: int, limit: float) -> Iterable[str]:
        """In which ways an endpoint differs more than the others do among themselves, beyond chance."""
        own, rest = self._dissents.own(place), self._dissents.others(place)
        if own.far_above(rest) and dissent_tail(own.differ, self._expected[self._judged[place]]) < limit:
            yield f"not the answer of most endpoints: {own.against(rest)}"
        with_it = self._pairs.own(place)
        without = self._all_pairs.without(with_it)
        if _more(with_it, without, limit):
            yield f"not the other endpoint's answer where two answered: {with_it.against(without)}"
        own, rest = self._repeats.own(place), self._repeats.others(place)
        if _more(own, rest, limit):
            yield f"not its own answer when asked again: {own.against(rest)}"

    def apart(self, limit: float) -> str:
        """Whether answers of two endpoints differ more often than two of the same endpoint."""
        between = []
        for column in self.shared:
            first, second = np.flatnonzero(self._codes[:, column] >= 0)[:2]
            between.append(int(self._codes[first, column] != self._codes[second, column]))
        ours = _tally(between)
        within = self._repeats.whole
        if not _more(ours, within, limit):
            return ""
        return (
            f"two endpoints' answers differ in {100 * ours.share:.1f} % of {ours.of} prompts, two of the same "
            f"endpoint's in {100 * within.share:.1f} % of {within.of}"
        )


def first_difference(ours: Ids, theirs: Ids) -> int:
    """The place, from 1, of the first token that two unequal answers don't share; an answer's end counts as one."""
    least = min(len(ours), len(theirs))
    unequal = np.flatnonzero(ours[:least] != theirs[:least])
    return int(unequal[0]) + 1 if len(unequal) else least + 1


def _repeats(own: Iterable[list[Ids]]) -> _Tally:
    """An endpoint's first two answers to each prompt that it was asked twice."""
    return _tally(int(not np.array_equal(answers[0], answers[1])) for answers in own if len(answers) > 1)


def _tally(differ: Iterable[int]) -> _Tally:
    found = list(differ)
    return _Tally(sum(found), len(found))


def _more(ours: _Tally, others: _Tally, limit: float) -> bool:
    """Far more, and beyond what dealing the differences out at random would do (Fisher's exact test, one side)."""
    if not (ours.of and others.of and ours.far_above(others)):
        return False
    return hypergeometric_tail(ours.differ, ours.of, ours.differ + others.differ, ours.of + others.of) < limit
