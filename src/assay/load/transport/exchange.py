"""One request and everything measured about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    """How a request ended. Only `OK` counts as a completed sample."""

    OK = "ok"
    CONNECT = "connect_failed"
    RESET = "connection_reset"
    HTTP_429 = "http_429"
    HTTP_4XX = "http_4xx"
    HTTP_5XX = "http_5xx"
    STALL = "stalled"
    TIMEOUT = "timeout"
    TRUNCATED = "truncated"
    MALFORMED = "malformed"
    EMPTY = "empty"
    COUNT_MISMATCH = "count_mismatch"
    TLS = "tls_failed"
    CANCELLED = "cancelled"


@dataclass(slots=True, eq=False)
class Exchange:
    """A request in flight, then its record.

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
    """Arrival of the first chunk that carries a token."""
    last_ns: int = 0
    """Arrival of the last chunk that carries a token."""
    done_ns: int = 0
    """End of the response, or the moment the request was given up."""
    chunk_ns: list[int] = field(default_factory=list)
    chunk_tokens: list[int] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    """Token ids as they came; see `token_ids` for the complete list."""
    text_pieces: list[str | bytes] = field(default_factory=list)
    """Text as it came; bytes are UTF-8."""
    finish_reason: str | None = None
    usage_prompt: int | None = None
    usage_completion: int | None = None
    ids_missing: bool = False
    """Some token-bearing chunk came without token ids."""
    reused: bool = False
    """Sent on a connection that had carried an earlier request."""
    resent: bool = False
    """Sent again on a new connection, because the idle connection had been dropped."""

    @property
    def token_ids(self) -> list[int] | None:
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

    def text(self) -> str:
        """The output text."""
        return "".join(piece if isinstance(piece, str) else piece.decode() for piece in self.text_pieces)
