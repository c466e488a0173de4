"""How to reach one endpoint and how long to wait for it."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from assay.errors import UserError


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """One OpenAI-compatible endpoint, as a client sees it.

    `authorization_env` is the *name* of an environment variable whose value is sent as the Authorization
    header; a value of one word gets "Bearer " before it. It is read whenever a connection is opened and kept
    nowhere else. Proxies are never used.

    Raises `UserError` if the URL can't be used.
    """

    url: str
    path: str = "/v1/completions"
    headers: dict[str, str] = field(default_factory=dict)
    authorization_env: str | None = None
    connect_timeout_s: float = 10.0
    stall_timeout_s: float = 60.0
    """The longest silence of the server while a request is in flight."""
    request_timeout_s: float = 600.0
    keepalive_s: float = 4.0
    """An idle connection older than this isn't used again: uvicorn, and so vLLM, drops them after 5 s."""
    verify_tls: bool = True
    ca_file: Path | None = None

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UserError(f"{self.url!r} is not an endpoint's URL: write it as http://host:port")
        if parts.username or parts.password:
            raise UserError(
                f"the URL of {parts.hostname} contains a password: put it into an environment variable "
                "and name that variable instead"
            )
        if parts.query or parts.fragment:
            raise UserError(f"{self.url!r} has a query or a fragment: write it as http://host:port")
        for name, value in self.headers.items():
            if any(c in name + value for c in "\r\n\0") or ":" in name or not name:
                raise UserError(f"header {name!r} of {self.url} contains a character that headers can't hold")
            if name.lower() in ("authorization", "host", "content-length", "transfer-encoding"):
                raise UserError(f"header {name!r} of {self.url} can't be set here")

    @property
    def host(self) -> str:
        """Host name or address, without brackets."""
        return urlsplit(self.url).hostname or ""

    @property
    def tls(self) -> bool:
        """Whether the endpoint speaks HTTPS."""
        return urlsplit(self.url).scheme == "https"

    @property
    def port(self) -> int:
        """TCP port; the scheme's own if the URL names none."""
        return urlsplit(self.url).port or (443 if self.tls else 80)

    @property
    def target(self) -> str:
        """The path that is requested. A base URL that ends in /v1 and a path that begins so share it."""
        base = urlsplit(self.url).path.rstrip("/")
        if base.endswith("/v1") and self.path.startswith("/v1/"):
            base = base.removesuffix("/v1")
        return base + self.path

    def request_head(self) -> bytes:
        """The request's head up to the value of Content-Length.

        Raises `UserError` if the environment variable with the authorization isn't set.
        """
        lines = [
            f"POST {self.target} HTTP/1.1",
            f"Host: {urlsplit(self.url).netloc}",
            "User-Agent: assay",
            "Accept: text/event-stream, application/json",
            "Accept-Encoding: identity",
            "Content-Type: application/json",
        ]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.authorization_env:
            value = os.environ.get(self.authorization_env, "").strip()
            if not value or not value.isprintable():
                raise UserError(
                    f"the environment variable {self.authorization_env} has no usable value: "
                    f"set it to the key for {self.url}"
                )
            lines.append(f"Authorization: {value}" if " " in value else f"Authorization: Bearer {value}")
        lines.append("Content-Length: ")
        return "\r\n".join(lines).encode("latin-1")

    def ssl_context(self) -> ssl.SSLContext | None:
        """The TLS context; None for plain HTTP. Raises `UserError` if the CA file can't be read."""
        if not self.tls:
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise UserError(f"can't read the CA file {self.ca_file} for {self.url}: {error}") from error
        if not self.verify_tls:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context
