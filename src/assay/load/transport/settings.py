"""One endpoint as a pool of load sees it: its connection, what is asked there, and how long to wait."""

from __future__ import annotations

from dataclasses import dataclass

from assay.serving.connection import EndpointConnection


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """What a pool of requests needs to know."""

    connection: EndpointConnection
    path: str = "/completions"
    """Of the API, below its root."""
    needs_done: bool = True
    """Whether a stream without `[DONE]` is cut off."""
    stall_timeout_s: float = 60.0
    """The longest silence of the server while a request is in flight."""
    request_timeout_s: float = 600.0
    keepalive_s: float = 4.0
    """An idle connection older than this isn't used again: uvicorn, and so vLLM, drops them after 5 s."""

    def request_head(self) -> bytes:
        """The request's head up to the value of Content-Length.

        Raises `UserError` if an environment variable that it needs is missing or unusable.
        """
        lines = self.connection.head("POST", self.connection.api(self.path))
        lines += ["Accept: text/event-stream, application/json", "Content-Type: application/json", "Content-Length: "]
        return "\r\n".join(lines).encode("latin-1")
