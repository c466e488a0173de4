"""The API server: connection, calls in threads, refusals in plain words."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pydantic

from assay.cluster.launcher import LaunchError
from assay.cluster.options import KubernetesOptions
from assay.errors import UserError
from assay.extras import require

T = TypeVar("T")
TIMEOUT_S = (5, 30)
NOT_FOUND, CONFLICT, FORBIDDEN, UNAUTHORISED = 404, 409, 403, 401


class NotAllowedError(LaunchError):
    """Refused for want of rights; other calls may be allowed."""


class Api:
    """The clients that the launcher needs."""

    def __init__(self, options: KubernetesOptions) -> None:
        require("kubernetes", "launcher kubernetes")
        import kubernetes

        self._client = _client(kubernetes, options)
        self.host = str(self._client.configuration.host)
        # Any: the client's types call every field optional, also those that the API always sends.
        self.core: Any = kubernetes.client.CoreV1Api(self._client)
        self.apps: Any = kubernetes.client.AppsV1Api(self._client)
        self.custom: Any = kubernetes.client.CustomObjectsApi(self._client)
        self.access: Any = kubernetes.client.AuthorizationV1Api(self._client)
        self.version: Any = kubernetes.client.VersionApi(self._client)

    async def call(self, function: Callable[..., T], *arguments: Any, **options: Any) -> T:
        """A call of the client, in a thread. Raises LaunchError."""
        with explained(self.host):
            return await asyncio.to_thread(function, *arguments, _request_timeout=TIMEOUT_S, **options)

    async def find(self, function: Callable[..., T], *arguments: Any, **options: Any) -> T | None:
        """The same; None where the object isn't there."""
        import kubernetes

        try:
            return await asyncio.to_thread(function, *arguments, _request_timeout=TIMEOUT_S, **options)
        except kubernetes.client.ApiException as error:
            if error.status == NOT_FOUND:
                return None
            with explained(self.host):
                raise
        except Exception:
            with explained(self.host):
                raise

    async def remove(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Delete what may be there. Old servers answer with a Status, for which the client has no room."""
        with contextlib.suppress(pydantic.ValidationError):
            await self.find(function, *arguments)

    async def close(self) -> None:
        await asyncio.to_thread(self._client.close)


def _client(kubernetes: Any, options: KubernetesOptions) -> Any:
    configuration = kubernetes.client.Configuration()
    try:
        kubernetes.config.load_kube_config(options.kubeconfig, options.context, configuration)
    except kubernetes.config.ConfigException as error:
        if options.kubeconfig or options.context:
            raise UserError(f"cluster.kubeconfig: {error}") from None
        try:
            kubernetes.config.load_incluster_config(configuration)
        except kubernetes.config.ConfigException:
            raise UserError("no Kubernetes configuration: set cluster.kubeconfig, or $KUBECONFIG") from None
    configuration.retries = 1
    return kubernetes.client.ApiClient(configuration)


@contextmanager
def explained(host: str) -> Iterator[None]:
    """What the client raises, in words for the user. `host` is the API server's URL."""
    import kubernetes
    import urllib3

    try:
        yield
    except kubernetes.client.ApiException as error:
        kind = NotAllowedError if error.status == FORBIDDEN else LaunchError
        raise kind(f"kubernetes: {_plain(error)}") from None
    except urllib3.exceptions.HTTPError as error:
        reason = getattr(error, "reason", None) or error
        if isinstance(reason, urllib3.exceptions.SSLError):
            mend = "correct certificate-authority in cluster.kubeconfig"
            raise LaunchError(f"kubernetes: the API server {host} can't be trusted: {reason}: {mend}") from None
        mend = "check cluster.kubeconfig, cluster.context and the network on the way there"
        # The client's own words repeat its objects; what the system said is below them.
        told = reason.__cause__ or reason
        raise LaunchError(f"kubernetes: the API server {host} does not answer: {told}: {mend}") from None


def _plain(error: Any) -> str:
    try:
        message = json.loads(error.body)["message"]
    except (TypeError, ValueError, KeyError):
        message = error.reason or f"error {error.status}"
    if error.status == FORBIDDEN and " cannot " not in message:  # the words of RBAC; quotas and admission have others
        return f"a quota or policy of the namespace refuses it: {message}: ask for room in it, or set cluster.namespace"
    if error.status == FORBIDDEN:
        return f"not allowed: {message}: ask for a role with these rights in the namespace (assay export k8s has one)"
    if error.status == UNAUTHORISED:
        return "the credentials of this context are not accepted: renew them, or set cluster.context"
    if error.status == NOT_FOUND and message.startswith("namespaces "):
        return f"{message}: create it, or set cluster.namespace to one that exists"
    return str(message)
