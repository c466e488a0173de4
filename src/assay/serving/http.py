"""Small control requests over HTTP, without a proxy. Never used for load."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

MAX_BODY_BYTES = 4 << 20


async def get(url: str, timeout_s: float = 5.0, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
    """Status and body of a GET. Raises OSError when there is no answer in time."""
    return await asyncio.to_thread(_get, url, timeout_s, dict(headers or {}))


async def get_json(url: str, timeout_s: float = 5.0, headers: Mapping[str, str] | None = None) -> Any:
    """The JSON that a GET answers, or None when it doesn't answer 200 with JSON."""
    try:
        status, body = await get(url, timeout_s, headers)
        return json.loads(body) if status == http.HTTPStatus.OK else None
    except (OSError, ValueError):
        return None


def _get(url: str, timeout_s: float, headers: dict[str, str]) -> tuple[int, bytes]:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout_s)
    try:
        connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""), headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read(MAX_BODY_BYTES)
    except http.client.HTTPException as error:
        raise OSError(f"{url}: {error!r}") from error
    finally:
        connection.close()
