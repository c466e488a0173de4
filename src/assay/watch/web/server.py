"""The server of the pages: a port of this machine, and who may reach it."""

from __future__ import annotations

import ipaddress
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from assay.errors import UserError
from assay.watch.web.app import Site
from assay.watch.web.guard import is_loopback

_GRACE_S = 2
_TOKEN_BYTES = 32


@dataclass(frozen=True)
class Place:
    """Where pages are served; port 0 is any free one."""

    host: str = "127.0.0.1"
    port: int = 0


class _Server(uvicorn.Server):
    """Ends the streams of its pages before it waits for what is under way."""

    def __init__(self, config: uvicorn.Config, site: Site) -> None:
        super().__init__(config)
        self._site = site

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._site.close()
        await super().shutdown(sockets)


def serve(results: Path, place: Place, ready: Callable[[str], object], page: str = "") -> None:
    """Serve the campaigns in `results` until a signal ends it.

    Args:
        results: the folder of campaigns.
        place: where; whoever can reach more than loopback needs the token in the address.
        ready: is told the address of `page` (relative to the root) once the port is open.

    Raises UserError where the port can't be had.
    """
    token = None if is_loopback(place.host) else secrets.token_urlsafe(_TOKEN_BYTES)
    listening = _listen(place)
    site = Site(results, token)
    # No request is logged: addresses hold the token.
    config = uvicorn.Config(
        site.app, lifespan="off", ws="none", log_config=None, log_level="error", access_log=False,
        server_header=False, timeout_graceful_shutdown=_GRACE_S,
    )  # fmt: skip
    port = listening.getsockname()[1]
    ready(f"http://{_named(place.host)}:{port}/{page}" + (f"?token={token}" if token else ""))
    _Server(config, site).run(sockets=[listening])


def _listen(place: Place) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)[0]
        listening = socket.create_server(address[:2], family=family)
    except OSError as error:
        mend = "choose another with --port (0: any free one) or --host"
        raise UserError(f"{place.host} port {place.port}: {error.strerror or error}; {mend}") from None
    return listening


def _named(host: str) -> str:
    """As it is written in an address; that of any interface is replaced by this machine's name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        return socket.gethostname()
    return f"[{address}]" if address.version == 6 else str(address)
