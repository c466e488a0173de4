"""Who may look: whoever is on this machine, or who knows the token where the page is bound to more than that."""

from __future__ import annotations

import hmac
import ipaddress
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LOCAL_NAMES = ("localhost",)
_HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
_ENTERED = """<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=./">
<title>Assay</title><p><a href="./">Go on</a></p></html>
"""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what is bound there; a name but localhost may be anyone's."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() in _LOCAL_NAMES


class Guard:
    """Lets a request through to the application, or answers itself.

    With a token, a request needs it: once in its address (`/?token=`), from then on in a cookie. Without one the page
    is bound to loopback, and the request must name it so: a foreign site's name that was made to lead here (DNS
    rebinding) doesn't.
    """

    def __init__(self, app: ASGIApp, token: str | None = None) -> None:
        self._app, self._token = app, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = self._answer(scope)
        await (self._app if answer is None else answer)(scope, receive, _with_headers(send))

    def _answer(self, scope: Scope) -> Response | None:
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if self._token is None:
            if not is_loopback(_host_of(headers.get(b"host", ""))):
                return PlainTextResponse("This page is for this machine alone: open it as localhost.\n", 403)
            return None
        cookie = f"assay_watch_{scope['server'][1]}" if scope.get("server") else "assay_watch"
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token")
        if given is not None and self._is_token(given[-1]):
            # No redirect: after one from another site's link a browser would keep a strict cookie back.
            entered = HTMLResponse(_ENTERED)
            entered.set_cookie(cookie, self._token, httponly=True, samesite="strict", path="/")
            return entered
        if self._is_token(_cookie_of(headers.get(b"cookie", ""), cookie)):
            return None
        return PlainTextResponse("Open the address that `assay watch --web` printed, with its token.\n", 401)

    def _is_token(self, given: str) -> bool:
        assert self._token is not None
        return hmac.compare_digest(given.encode(), self._token.encode())


def _with_headers(send: Send) -> Send:
    """Adds what every answer has, where the application says nothing else."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            known = {name.lower() for name, _ in message["headers"]}
            more = [(name.encode(), value.encode()) for name, value in _HEADERS.items() if name.encode() not in known]
            message = {**message, "headers": [*message["headers"], *more]}
        await send(message)

    return sending


def _host_of(header: str) -> str:
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""


def _cookie_of(header: str, name: str) -> str:
    try:
        cookies = SimpleCookie(header)
    except CookieError:
        return ""
    return cookies[name].value if name in cookies else ""
