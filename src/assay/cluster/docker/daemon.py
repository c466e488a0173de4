"""One node's docker daemon: the connection to it, and its refusals in plain words."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from assay.cluster.launcher import LaunchError
from assay.cluster.local import free_port
from assay.cluster.options import DockerOptions, SshNode
from assay.extras import require

if TYPE_CHECKING:
    import asyncssh
    import docker

TIMEOUT_S = 30
T = TypeVar("T")


class Daemon:
    """The daemon of `node`. Calls to the SDK block, so they run in threads; see `call`."""

    def __init__(self, node: SshNode, options: DockerOptions) -> None:
        self.node = node
        self.ssh: asyncssh.SSHClientConnection | None = None
        self.address = "127.0.0.1"
        """Where load reaches the node's ports."""
        self._options = options
        self._client: docker.DockerClient | None = None
        self._folder: str | None = None

    @property
    def client(self) -> docker.DockerClient:
        assert self._client is not None
        return self._client

    @property
    def lost(self) -> bool:
        return self.ssh is not None and self.ssh.is_closed()

    async def open(self) -> None:
        """Raises UserError or LaunchError."""
        require("docker", "launcher docker")
        import docker

        socket = self._options.socket
        if self._options.ssh:
            socket = await self._forward(socket)
        with self.explained():
            self._client = await asyncio.to_thread(docker.DockerClient, base_url=f"unix://{socket}", timeout=TIMEOUT_S)
            await self.call(self.client.ping)

    async def _forward(self, socket: str) -> str:
        from assay.cluster.ssh.connection import connect, explained

        self.ssh = await connect(self.node, self._options)
        peer = self.ssh.get_extra_info("peername")
        self.address = self.node.load_address or (str(peer[0]) if peer else self.node.address)
        # A socket's path may have 107 bytes, which a run folder's could exceed.
        self._folder = tempfile.mkdtemp(prefix="assay-docker-")
        local = str(Path(self._folder) / "docker.sock")
        with explained(self.node.name, self.node.address):
            await self.ssh.forward_local_path(local, socket)
        return local

    async def call(self, function: Callable[..., T], *arguments: Any, **options: Any) -> T:
        """The SDK's `function`, in a thread. Raises LaunchError."""
        with self.explained():
            return await asyncio.to_thread(function, *arguments, **options)

    async def free_port(self) -> int:
        """A port of the node that nothing listens on; asked of its sshd where the node is remote."""
        if self.ssh is None:
            return free_port()
        listener = await self.ssh.forward_remote_port("127.0.0.1", 0, "127.0.0.1", 9)
        port = listener.get_port()
        listener.close()
        await listener.wait_closed()
        return port

    @contextmanager
    def explained(self) -> Iterator[None]:
        """What the SDK raises, in words for the user."""
        import docker.errors
        import requests

        name = self.node.name
        try:
            yield
        except docker.errors.APIError as error:
            raise LaunchError(f"docker on {name}: {_plain(str(error.explanation or error))}") from None
        except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
            what = "the SSH link is lost" if self.lost else str(error)
            mend = "is the daemon up, and may this user open its socket?"
            raise LaunchError(f"docker on {name}: no answer at {self._options.socket} ({what}): {mend}") from None

    async def close(self) -> None:
        if self._client is not None:
            await asyncio.to_thread(self._client.close)
        if self.ssh is not None:
            self.ssh.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.ssh.wait_closed(), 1)
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._client = self.ssh = self._folder = None


def _plain(text: str) -> str:
    """The daemon's words; with a mend for those that users meet."""
    lower = text.lower()
    if "could not select device driver" in lower or "unknown runtime" in lower or "invalid runtime name" in lower:
        return f"{text.strip()}: {NO_RUNTIME}"
    if "No such image" in text:
        return f"{text.strip()}: pull or load it there, or set cluster.pull: true"
    return text.strip()


NO_RUNTIME = "install the NVIDIA container toolkit there and run `nvidia-ctk runtime configure`"
