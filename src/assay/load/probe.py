"""Asking an endpoint that was taken out whether it answers again."""

from __future__ import annotations

from assay.serving.client import ControlClient, ControlError

_LIMIT_S = 2.0


async def is_alive(client: ControlClient) -> bool:
    """True if `GET /health` is answered with anything but a server error (servers without that path say 404)."""
    try:
        return (await client.get("/health", limit_s=_LIMIT_S)).status < 500
    except ControlError:
        return False
