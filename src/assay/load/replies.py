"""What the source of load is told of its samples, from what the workers say of them; and what is counted meanwhile."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field

from assay.load.frames import Done, First
from assay.load.meter import Meter
from assay.load.plan import LoadPlan
from assay.load.source import Answer, FirstToken

_LEAST_TOKENS = 2  # LoadGen logs an error for fewer, and can't compute TPOT


@dataclass
class Tally:
    """What is counted for the outcome, beside what progress tells."""

    short_outputs: int = 0
    estimated_tokens: int = 0
    first_token_then_resent: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    """The last failure of each endpoint that had one, in its words."""
    hops_ns: array[int] = field(default_factory=lambda: array("q"))


class Replies:
    """Samples are known by their id, the order in which they were issued."""

    def __init__(self, plan: LoadPlan, meter: Meter) -> None:
        self._first_tokens_wanted = plan.streams_first_token
        self._live = plan.live_history
        self._eos = plan.eos_id.to_bytes(4, "little") if plan.eos_id is not None else b""
        self._meter = meter
        self._queries = array("q")  # the source's name of each sample
        self._first_told = bytearray()
        self.tally = Tally()

    @property
    def issued(self) -> int:
        return len(self._queries)

    def issue(self, queries: Iterable[int]) -> None:
        """These are the next samples."""
        before = len(self._queries)
        self._queries.extend(queries)
        self._first_told.extend(bytes(len(self._queries) - before))

    def first_tokens(self, firsts: Iterable[First], now_ns: int) -> list[FirstToken]:
        """The first of these that each sample has."""
        tokens = []
        for sample, _, token, first_ns in firsts:
            if self._first_told[sample]:
                self.tally.first_token_then_resent += 1
                continue
            self._first_told[sample] = True
            self.tally.hops_ns.append(now_ns - first_ns)
            tokens.append(FirstToken(self._queries[sample], token.to_bytes(4, "little") if token >= 0 else b""))
        return tokens

    def untold(self, dones: Iterable[Done]) -> list[FirstToken]:
        """Of samples that are over without one, failed ones too: LoadGen's process would crash."""
        if not self._first_tokens_wanted:
            return []
        return [FirstToken(self._queries[done.sample], b"") for done in dones if not self._first_told[done.sample]]

    def failed(self, done: Done) -> Answer:
        """LoadGen has no way to say "failed": the query must be completed or the test never ends."""
        self._meter.failed += 1
        return Answer(self._queries[done.sample], b"", _LEAST_TOKENS, done.done_ns, ok=False)

    def answered(self, done: Done, now_ns: int) -> Answer:
        """Output ids and token count as LoadGen is told them; one-token answers are stated as two, and counted."""
        tokens, output = done.output_tokens, done.output
        if not self._first_tokens_wanted:
            self.tally.hops_ns.append(now_ns - done.done_ns)
        known = tokens >= 0
        if not known:
            ids = 0 if self._live else len(output) // 4
            known, tokens = ids > 0, ids or done.chunks
            self.tally.estimated_tokens += 1
        self._meter.answered(done, tokens)
        if tokens < _LEAST_TOKENS:
            self.tally.short_outputs += known  # nobody knows how many tokens are in a chunk
            if output and not self._live:
                output += self._eos * (_LEAST_TOKENS - tokens)
            tokens = _LEAST_TOKENS
        return Answer(self._queries[done.sample], output, tokens, done.done_ns)
