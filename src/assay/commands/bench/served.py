"""The server's word on its model, asked for once before anything is measured."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from pydantic import ValidationError

from assay.errors import AssayError, UserError
from assay.serving.client import ControlClient, ControlError
from assay.serving.connection import ConnectionOptions, EndpointConnection, Reach

_DENIED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_KEY = "give the key with --api-key-env VARIABLE, or another header with --header NAME=env:VARIABLE"
_TLS = "for a certificate of an authority of your own give --ca-file FILE; --no-verify-tls takes any"
_PLAIN = "the server doesn't speak TLS there: write http:// or another port"
_NAME = "name the model with --model where the server doesn't list its models"


async def model_settings(url: str, engine: dict[str, Any], named: str | None) -> dict[str, Any]:
    """`model`: the one that is `named`, else the only one served; `check_model: false` where none are listed.

    Raises UserError where the choice is the user's, AssayError where the server doesn't let itself be asked.
    """
    try:
        models = await ControlClient(_connection(url, engine)).models()
    except ControlError as error:
        if named is not None and _lists_none(error):
            return {"model": named, "check_model": False}
        if named is not None and error.passing:
            return {"model": named}  # it may be starting: the campaign waits for it, and asks again
        raise AssayError(f"{error}{_mend(error)}") from None
    if named in models:
        return {"model": named}
    if named is not None or len(models) != 1:
        not_it = "" if named is None else f", not {named!r}"
        raise UserError(f"{url} serves {', '.join(models) or 'no model'}{not_it}: choose one with --model")
    return {"model": models[0]}


def _connection(url: str, engine: dict[str, Any]) -> EndpointConnection:
    named = {name: value for name, value in engine.items() if name in ConnectionOptions.model_fields}
    try:
        return ConnectionOptions.model_validate(named).connection(url, Reach())
    except ValidationError as error:
        raise UserError("; ".join(item["msg"].removeprefix("Value error, ") for item in error.errors())) from None


def _lists_none(error: ControlError) -> bool:
    """Whether the server is up and has no list to give, as far as its answer tells."""
    if error.status == HTTPStatus.NOT_IMPLEMENTED:
        return True
    refused = error.status is not None and 400 <= error.status < 500 and error.status not in _DENIED
    return error.kind == "reply" or (error.kind == "status" and refused and not error.passing)


def _mend(error: ControlError) -> str:
    if error.kind == "tls":
        return f"\n{_PLAIN if 'WRONG_VERSION_NUMBER' in str(error) else _TLS}"  # OpenSSL's word for no TLS at all
    if error.kind == "status" and error.status in _DENIED:
        return f"\n{_KEY}"
    return f"\n{_NAME}" if error.kind in ("status", "reply") else ""
