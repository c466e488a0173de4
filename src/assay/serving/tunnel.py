"""A tunnel through an HTTP proxy (CONNECT, RFC 9110 section 9.3.6), to endpoints that aren't reached directly."""

from __future__ import annotations

import asyncio
import socket
from urllib.parse import urlsplit

from assay.serving.words import shown

_MAX_HEAD_BYTES = 64 << 10


class ProxyError(OSError):
    """The proxy opens no tunnel."""


async def tunnel(proxy: str, host: str, port: int) -> socket.socket:
    """A socket that reaches `host` and `port` through `proxy`; the caller bounds the time.

    Raises ProxyError where the proxy refuses, in its words, or can't be reached.
    """
    try:
        own = await _connected(urlsplit(proxy).hostname or "", urlsplit(proxy).port or 80)
    except OSError as error:
        raise ProxyError(f"the proxy {proxy} can't be reached: {error}") from None
    try:
        await _ask(own, proxy, f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    except BaseException:
        own.close()
        raise
    return own


async def _connected(host: str, port: int) -> socket.socket:
    loop = asyncio.get_running_loop()
    failure = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        own = socket.socket(family, kind, protocol)
        try:
            own.setblocking(False)
            own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.sock_connect(own, address)
        except BaseException as error:
            own.close()
            if not isinstance(error, OSError):
                raise
            failure = error
        else:
            return own
    raise failure


async def _ask(own: socket.socket, proxy: str, where: str) -> None:
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(own, f"CONNECT {where} HTTP/1.1\r\nHost: {where}\r\n\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head:  # the server behind it is silent until it is asked, so nothing follows
        data = await loop.sock_recv(own, 4096)
        head += data
        if not data or len(head) > _MAX_HEAD_BYTES:
            raise ProxyError(f"the proxy {proxy} ended the connection, or answered no HTTP: {shown(head)}")
    first = head.split(b"\r\n", 1)[0]
    status = first.split(b" ", 2)[1:2]
    if not (status and status[0].startswith(b"2")):
        raise ProxyError(f"the proxy {proxy} opens no tunnel to {where}: {shown(first)}")
