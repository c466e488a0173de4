"""The pods of a run, as the API server tells of them: listed once, then followed by one watch."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Any

from assay.cluster.kubernetes.api import TIMEOUT_S, Api, explained
from assay.cluster.options import KubernetesOptions

PAUSE_S = 1.0
WATCH_S = 20
"""After which the API server ends a watch, and it is taken up where it ended: a link that died is found by then."""
END_S = 5.0


class Pods:
    """What is known of them now, by name.

    A thread keeps it: the client blocks while it watches. Where the account may not watch, or a watch is too old to be
    taken up, pods are listed again.
    """

    def __init__(self, options: KubernetesOptions, selector: str) -> None:
        self._api = Api(options)  # of its own: a watch holds its connection
        self._namespace = options.namespace
        self._selector = selector
        self._pods: dict[str, Any] = {}
        self._trouble: Exception | None = None
        self._known = threading.Event()
        self._over = threading.Event()
        self._watch: Any = None
        self._thread = threading.Thread(target=self._follow, name="pods", daemon=True)

    async def now(self) -> dict[str, Any]:
        """All pods. Raises LaunchError while the API server can't be asked."""
        if not self._thread.is_alive():
            self._thread.start()
        await asyncio.to_thread(self._known.wait)
        if self._trouble is not None:
            raise self._trouble.with_traceback(None)
        return dict(self._pods)

    def _follow(self) -> None:
        while not self._over.is_set():
            try:
                with explained(self._api.host):
                    version = self._list()
            except Exception as error:  # for whoever asks for the pods: this thread has nobody to tell
                self._trouble = error
                self._known.set()
            else:
                self._trouble = None
                self._known.set()
                with contextlib.suppress(Exception):  # whatever ended a watch, the next listing finds it too
                    self._watch_from(version)
            self._over.wait(PAUSE_S)

    def _list(self) -> str:
        listing = self._api.core.list_namespaced_pod
        listed = listing(self._namespace, label_selector=self._selector, _request_timeout=TIMEOUT_S)
        self._pods = {pod.metadata.name: pod for pod in listed.items}
        return str(listed.metadata.resource_version)

    def _watch_from(self, version: str) -> None:
        """Take what changes until the watch can't be taken up any more, which it tells by an exception."""
        from kubernetes.watch import Watch

        watch: Any = Watch
        self._watch = watch()
        listing = self._api.core.list_namespaced_pod
        limits = {"timeout_seconds": WATCH_S, "_request_timeout": (TIMEOUT_S[0], WATCH_S + TIMEOUT_S[1])}
        while not self._over.is_set():
            asked = {"label_selector": self._selector, "resource_version": version, **limits}
            for event in self._watch.stream(listing, self._namespace, **asked):
                self._note(event["type"], event["object"])
            version = self._watch.resource_version or version

    def _note(self, kind: str, pod: Any) -> None:
        pods = dict(self._pods)  # replaced as a whole, since it is read from another thread
        if kind == "DELETED":
            pods.pop(pod.metadata.name, None)
        elif kind in ("ADDED", "MODIFIED"):
            pods[pod.metadata.name] = pod
        self._pods = pods

    async def close(self) -> None:
        """End the thread and its connection. What hangs in a read ends with the process."""
        self._over.set()
        if self._thread.is_alive():
            await asyncio.to_thread(self._end)
        await self._api.close()

    def _end(self) -> None:
        for _ in range(round(END_S / 0.1)):
            if self._watch is not None:
                self._watch.stop()  # heeded by a watch that has begun, so it is told until it has
            self._thread.join(0.1)
            if not self._thread.is_alive():
                return
