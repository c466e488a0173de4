"""How to reach one endpoint: the same for every request to it, those that ask and those that load."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from assay.errors import UserError
from assay.plain_files import plain
from assay.quantities import Seconds, Variable
from assay.serving.words import keep_secret

CONNECT_TIMEOUT_S = 5.0
API_ROOT = "/v1"

_OWN_HEADERS = ("host", "content-length", "transfer-encoding", "connection", "accept-encoding", "content-type")
_SECRET_WORDS = {
    "authorization", "auth", "bearer", "cookie", "credential", "credentials", "jwt", "key", "apikey", "passwd",
    "password", "secret", "token",
}  # fmt: skip
_USERINFO = re.compile(r"[^/]*//[^/?#]*@")
# A name, or an IPv6 address without its brackets.
_HOST = re.compile(r"[A-Za-z0-9._~-]+|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(%[A-Za-z0-9._~-]+)?")
_PASTED = re.compile(r"(/chat)?/completions$")
_BEARER = re.compile(r"(?:bearer\s+)+", re.IGNORECASE)


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class FromEnvironment(_Model):
    """A value that is read from an environment variable whenever it is needed, and written nowhere."""

    env: Variable = Field(description="the variable's name")


Headers = dict[str, str | FromEnvironment]


@dataclass(frozen=True)
class Reach:
    """What the client brings to each of its connections."""

    ca_file: Path | None = None
    connect_timeout_s: float = CONNECT_TIMEOUT_S


class ConnectionOptions(_Model):
    """The keys by which a configuration describes a connection, of an engine or of one of its endpoints."""

    headers: Headers = Field(
        default_factory=dict, description="sent with every request; NAME: VALUE, or NAME: {env: VARIABLE} for secrets"
    )
    api_key_env: Variable | None = Field(default=None, description="variable that holds the bearer token")
    ca_file: Path | None = Field(default=None, description="certificates to trust; default: load.ca_file")
    verify_tls: bool | None = Field(default=None, description="false: take any certificate; noted in results")
    api_root: str | None = Field(default=None, description=f"what comes before /completions; default: {API_ROOT}")
    proxy: str | None = Field(default=None, description="http://HOST:PORT of a proxy; noted in results; default: none")

    @field_validator("proxy")
    @classmethod
    def _plain_proxy(cls, proxy: str | None) -> str | None:
        return None if proxy is None else proxy_url(proxy)

    @field_validator("headers")
    @classmethod
    def _sendable(cls, headers: Headers) -> Headers:
        check_headers(headers)
        return headers

    @field_validator("api_root")
    @classmethod
    def _rooted(cls, root: str | None) -> str | None:
        return None if root is None else plain_root(root)

    def connection(self, url: str, reach: Reach, default: ConnectionOptions | None = None) -> EndpointConnection:
        """The connection to `url`; what isn't said here is taken from `default`, then from `reach`."""
        wider = default or ConnectionOptions()
        verify = self.verify_tls if self.verify_tls is not None else wider.verify_tls
        root = self.api_root if self.api_root is not None else wider.api_root
        return EndpointConnection(
            url=url,
            api_root=API_ROOT if root is None else root,
            headers={**wider.headers, **self.headers},
            api_key_env=self.api_key_env or wider.api_key_env,
            ca_file=self.ca_file or wider.ca_file or reach.ca_file,
            verify_tls=verify is not False,
            proxy=self.proxy or wider.proxy,
            connect_timeout_s=reach.connect_timeout_s,
        )


class EndpointConnection(_Model):
    """One endpoint's address, headers and TLS. Holds no secret: values from the environment are read when needed."""

    url: str = Field(description="scheme, host, port and base path; an ending /v1 is left out")
    api_root: str = API_ROOT
    headers: Headers = Field(default_factory=dict)
    api_key_env: Variable | None = None
    ca_file: Path | None = None
    verify_tls: bool = True
    proxy: str | None = None
    connect_timeout_s: Seconds = CONNECT_TIMEOUT_S

    @field_validator("url")
    @classmethod
    def _base(cls, url: str) -> str:
        return base_url(url)

    @field_validator("api_root")
    @classmethod
    def _rooted(cls, root: str) -> str:
        return plain_root(root)

    @field_validator("headers")
    @classmethod
    def _sendable(cls, headers: Headers) -> Headers:
        check_headers(headers)
        return headers

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

    def target(self, path: str) -> str:
        """What is requested for `path` (`/health`, `/metrics`): the base path and it."""
        return urlsplit(self.url).path + path

    def api(self, path: str) -> str:
        """What is requested for `path` of the API (`/completions`, `/models`)."""
        return self.target(self.api_root + path)

    def head(self, method: str, target: str) -> list[str]:
        """The request line and the headers that every request has.

        Raises `UserError` if an environment variable with a value is missing or unusable.
        """
        lines = [
            f"{method} {target} HTTP/1.1",
            f"Host: {urlsplit(self.url).netloc}",
            "User-Agent: assay",
            "Accept-Encoding: identity",
        ]
        for name, value in self.headers.items():
            lines.append(f"{name}: {value if isinstance(value, str) else _read(value.env, self.url)[0]}")
        if self.api_key_env:
            lines.append(f"Authorization: Bearer {_key(self.api_key_env, self.url)[0]}")
        return lines

    def remarks(self) -> list[str]:
        """What a reader of a result should know of the connection. Raises `UserError` as `head` does."""
        found = []
        if self.proxy:
            found.append(f"{self.url}: reached through the proxy {self.proxy}, whose delays are in every time")
        if self.tls and not self.verify_tls:
            found.append(f"{self.url}: its certificate was not verified (verify_tls: false)")
        for value in self.headers.values():
            if isinstance(value, FromEnvironment):
                found += _read(value.env, self.url)[1]
        if self.api_key_env:
            found += _key(self.api_key_env, self.url)[1]
        return found

    def ssl_context(self) -> ssl.SSLContext | None:
        """The TLS context; None for plain HTTP. Raises `UserError` if the CA file can't be read."""
        if not self.tls:
            return None
        try:
            file = self.ca_file and plain(self.ca_file)
            return _context(file, file.stat().st_mtime_ns if file else 0, verify=self.verify_tls)
        except (OSError, ssl.SSLError) as error:
            raise UserError(f"can't read the CA file {self.ca_file} for {self.url}: {error}") from error


@lru_cache
def _context(ca_file: Path | None, changed_ns: int, *, verify: bool) -> ssl.SSLContext:
    """One for all endpoints that are trusted alike: each reads and holds all certificates, 20 ms and 0.9 MB."""
    context = ssl.create_default_context(cafile=ca_file)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def base_url(url: str) -> str:
    """`url` without an ending slash, /v1, or path of the API that was pasted along. Raises ValueError if it is none."""
    return _plain_url(url, "is no endpoint: write http://HOST:PORT, with the path that comes before /v1 if any")


def _plain_url(url: str, refusal: str) -> str:
    if "@" in url:  # before any message shows the URL; not only where its syntax has a user name: people slip
        userinfo = _USERINFO.match(url)
        whose = f"the URL of {url[userinfo.end() :]}" if userinfo else "a URL with an @ in it (in a path write %40)"
        raise ValueError(
            f"{whose} contains a password or a user name: put it into an environment variable and name that as "
            "api_key_env, or in headers"
        )
    plain, _, rest = url.partition("?") if "?" in url else url.partition("#")
    if rest:  # nor what a query holds: keys are passed there too
        raise ValueError(f"{plain!r} has a query or a fragment: write http://HOST:PORT/PATH")
    try:
        parts = urlsplit(url.strip())
        usable = parts.scheme in ("http", "https") and bool(_HOST.fullmatch(parts.hostname or "")) and parts.port != 0
    except ValueError:  # a port that is no number, an open bracket
        usable = False
    if not usable:
        meant = _with_scheme(url)
        raise ValueError(f"{url!r} {refusal}" + (f"; did you mean {meant}?" if meant else ""))
    if not url.isascii() or not url.strip().isprintable() or " " in url.strip():
        raise ValueError(f"{url!r} holds characters that a URL can't: encode them with %")
    path = _PASTED.sub("", parts.path.rstrip("/")).removesuffix(API_ROOT).rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path}"


def _with_scheme(url: str) -> str | None:
    """The URL that a host and port without a scheme stand for; None where they stand for none."""
    if re.match(r"\s*https?:", url) or "://" in url:
        return None
    try:
        return base_url(f"http://{url.strip()}")
    except ValueError:
        return None


def proxy_url(url: str) -> str:
    """`url` as a proxy's address. Raises ValueError if it is none, or names a user and password."""
    refusal = "is no proxy that can be used: write http://HOST:PORT"
    plain = _plain_url(url, refusal)
    if not plain.startswith("http://") or urlsplit(plain).path:
        raise ValueError(f"{url!r} {refusal}")
    return plain


def plain_root(root: str) -> str:
    """`root` with a slash before it and none after; empty stays so. Raises ValueError for what can't be a path."""
    plain = root.strip("/")
    if not re.fullmatch(r"[A-Za-z0-9._~%/-]*", plain):
        raise ValueError(f"{root!r} is no path: write it like {API_ROOT}")
    return f"/{plain}" if plain else ""


def check_headers(headers: Mapping[str, str | FromEnvironment]) -> None:
    """Raises ValueError for a header that can't be sent, or that would write a secret into results."""
    for name, value in headers.items():
        if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name):
            raise ValueError(f"header {name!r}: a name has letters, digits and hyphens only")
        if name.lower() in _OWN_HEADERS:
            raise ValueError(f"header {name!r} is set by the client itself")
        if isinstance(value, FromEnvironment):
            continue
        if _SECRET_WORDS & set(re.split(r"[-_]", name.lower())) or _BEARER.match(value):
            raise ValueError(
                f"header {name!r} looks like a secret, and this is written to results: put its value into an "
                f"environment variable and write `{name}: {{env: VARIABLE}}`"
            )
        if not (value.isascii() and value.isprintable()):
            raise ValueError(f"header {name!r} has a value that headers can't hold")


def _read(variable: str, url: str) -> tuple[str, list[str]]:
    """The variable's value without whitespace around it, and what was mended. Never shows the value."""
    raw = os.environ.get(variable)
    if raw is None:
        raise UserError(f"the environment variable {variable}, for {url}, is not set: export it first")
    value = raw.strip()
    if not value:
        raise UserError(f"the environment variable {variable}, for {url}, is empty")
    if not (value.isascii() and value.isprintable()):
        raise UserError(
            f"the environment variable {variable}, for {url}, holds a line break or a character that headers can't: "
            "set it to the value alone"
        )
    keep_secret(value)
    return value, [] if value == raw else [f"{variable}: whitespace around its value was left out"]


def _key(variable: str, url: str) -> tuple[str, list[str]]:
    """The bearer token in the variable, and what was mended."""
    value, mended = _read(variable, url)
    if prefix := _BEARER.match(value):
        value = value[prefix.end() :]
        mended.append(f"{variable}: 'Bearer' before the key was left out, it is sent once")
    if " " in value:
        raise UserError(
            f"the environment variable {variable}, for {url}, holds more than a key: for another scheme than Bearer "
            f"write `headers: {{Authorization: {{env: {variable}}}}}`"
        )
    keep_secret(value)
    return value, mended
