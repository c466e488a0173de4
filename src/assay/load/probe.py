"""Asking an endpoint that was taken out whether it answers again."""

from __future__ import annotations

import asyncio

from assay.load.transport import EndpointSettings

_LIMIT_S = 2.0


async def is_alive(settings: EndpointSettings) -> bool:
    """True if `GET /health` is answered with anything but a server error (servers without that path say 404)."""
    try:
        async with asyncio.timeout(_LIMIT_S):
            return await _status(settings) < 500
    except (OSError, TimeoutError, ValueError, IndexError):
        return False


async def _status(settings: EndpointSettings) -> int:
    reader, writer = await asyncio.open_connection(settings.host, settings.port, ssl=settings.ssl_context())
    try:
        writer.write(f"GET /health HTTP/1.1\r\nHost: {settings.host}\r\nConnection: close\r\n\r\n".encode())
        status_line = await reader.readline()
        return int(status_line.split()[1])
    finally:
        writer.close()
