"""One request and everything measured about it."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    """How a request ended. Only `OK` counts as a completed sample."""

    OK = "ok"
    CONNECT = "connect_failed"
    RESET = "connection_reset"
    HTTP_408 = "http_408"
    HTTP_429 = "http_429"
    HTTP_4XX = "http_4xx"
    HTTP_503 = "http_503"
    LONG_WAIT = "long_wait"
    """Busy, and asks to come back later than a request may take."""
    HTTP_5XX = "http_5xx"
    STALL = "stalled"
    TIMEOUT = "timeout"
    TRUNCATED = "truncated"
    MALFORMED = "malformed"
    EMPTY = "empty"
    COUNT_MISMATCH = "count_mismatch"
    TLS = "tls_failed"
    REDIRECTED = "redirected"
    COMPRESSED = "compressed"
    CANCELLED = "cancelled"


_int64s = array("q").__copy__  # of nothing: the quickest way to a new array
_int32s = array("i").__copy__


@dataclass(slots=True, eq=False)
class Exchange:
    """A request in flight, then its record: 16 bytes a token that came by itself, and its text.

    Times are `time.monotonic_ns()` of the process that owns the connection; 0 means "never happened".
    All chunks that one read of the socket brought share that read's time. `chunk_tokens` is -1 for a chunk
    whose server didn't send token ids.
    """

    tag: int
    outcome: Outcome | None = None
    """None while the request is in flight."""
    detail: str = ""
    """Why it failed, for a person; empty if it didn't."""
    http_status: int = 0
    sent_ns: int = 0
    """When the request was handed to the socket (after connecting, if a connection had to be opened)."""
    headers_ns: int = 0
    first_ns: int = 0
    """Arrival of the first chunk that carries a token, of reasoning or of the answer."""
    first_answer_ns: int = 0
    """Arrival of the first chunk that carries a token of the answer."""
    last_ns: int = 0
    """Arrival of the last chunk that carries a token."""
    done_ns: int = 0
    """End of the response, or the moment the request was given up."""
    chunk_ns: array[int] = field(default_factory=_int64s)
    chunk_tokens: array[int] = field(default_factory=_int32s)
    ids: array[int] = field(default_factory=_int32s)
    """Token ids as they came; see `token_ids` for the complete list."""
    answer: bytearray = field(default_factory=bytearray)
    """The answer's text, UTF-8."""
    thoughts: bytearray = field(default_factory=bytearray)
    """The reasoning's text, where it was streamed."""
    model: str | None = None
    """The model's name in the reply: the last, where one stream has several."""
    simulated: bool = False
    """The reply says that Assay's simulator made it."""
    finish_reason: str | None = None
    finish_ns: int = 0
    """Arrival of the finish reason."""
    usage_prompt: int | None = None
    usage_completion: int | None = None
    usage_reasoning: int | None = None
    """Tokens of reasoning among `usage_completion`."""
    usage_cached: int | None = None
    """Tokens of the prompt that came from a cache."""
    retry_after_ns: int = 0
    """How long the server asks to wait; 0 where it doesn't."""
    ids_missing: bool = False
    """Some token-bearing chunk came without token ids."""
    reused: bool = False
    """Sent on a connection that had carried an earlier request."""
    resent: bool = False
    """Sent again on a new connection, because the idle connection had been dropped."""

    @property
    def token_ids(self) -> array[int] | None:
        """The output's token ids; None if the server didn't send the ids of every chunk."""
        return self.ids if self.ids and not self.ids_missing else None

    @property
    def token_source(self) -> str:
        """What `output_tokens` rests on: "ids" (counted), "usage" (the server's word), "text" (unknown)."""
        if self.ids and not self.ids_missing:
            return "ids"
        return "text" if self.usage_completion is None else "usage"

    @property
    def output_tokens(self) -> int | None:
        """Tokens in the output; None if the server tells neither ids nor usage."""
        if self.ids and not self.ids_missing:
            return len(self.ids)
        return self.usage_completion

    @property
    def hidden_tokens(self) -> int:
        """Tokens of the output that were never streamed: reasoning that the server keeps to itself."""
        return 0 if self.thoughts else self.usage_reasoning or 0

    @property
    def streamed_tokens(self) -> int | None:
        """Tokens that arrived one after another, over which a time per token makes sense; None if not known."""
        if self.ids and not self.ids_missing:
            return len(self.ids)
        return None if self.usage_completion is None else self.usage_completion - self.hidden_tokens

    def text(self) -> str:
        """The answer's text."""
        return self.answer.decode()

    def streamed_text(self) -> str:
        """All text that came, the reasoning's too: what tokens are counted in where the server counts none."""
        return (self.thoughts + self.answer).decode()
