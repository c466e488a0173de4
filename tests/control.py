"""One look at a server that a test started."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from assay.serving.client import ControlClient, ControlError
from assay.serving.connection import EndpointConnection


async def get_json(url: str) -> Any:
    """The JSON that a GET answers; None where nobody answers 200 with JSON."""
    parts = urlsplit(url)
    try:
        client = ControlClient(EndpointConnection(url=f"{parts.scheme}://{parts.netloc}"))
        return await client.get_json(parts.path)
    except ControlError:
        return None
