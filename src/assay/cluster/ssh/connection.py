"""One SSH connection to a node, with strict host keys and messages that say what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.cluster.launcher import LaunchError
from assay.cluster.options import DockerOptions, SshNode, SshOptions
from assay.errors import UserError
from assay.extras import require

if TYPE_CHECKING:
    import asyncssh

KEEPALIVES = 2
"""Unanswered ones that are borne; the timer's next end closes the link, so it takes (KEEPALIVES + 1) x keepalive_s."""


async def connect(node: SshNode, options: SshOptions | DockerOptions) -> asyncssh.SSHClientConnection:
    """Connect to `node`. ssh_config is honoured; an unknown or changed host key is refused.

    Raises LaunchError or UserError with one message.
    """
    require("ssh", "SSH")
    import asyncssh

    address = node.address or node.name
    with explained(node.name, address):
        return await asyncssh.connect(address, **connection_arguments(node, options))


def connection_arguments(node: SshNode, options: SshOptions | DockerOptions) -> dict[str, Any]:
    """What asyncssh's `connect` is given besides the address. Raises UserError where a file is missing."""
    arguments: dict[str, Any] = {
        "keepalive_interval": options.keepalive_s,
        "keepalive_count_max": KEEPALIVES,
        "connect_timeout": options.connect_timeout_s,
        "login_timeout": options.connect_timeout_s,
        "agent_forwarding": False,
    }
    if options.config_file:
        arguments["config"] = [str(_existing(options.config_file, "cluster.config_file"))]
    if options.known_hosts:
        arguments["known_hosts"] = str(_existing(options.known_hosts, "cluster.known_hosts"))
    if options.key_file:
        arguments["client_keys"] = [str(_existing(options.key_file, "cluster.key_file"))]
    if user := node.user or options.user:
        arguments["username"] = user
    if node.port:
        arguments["port"] = node.port
    if node.jump:
        arguments["tunnel"] = node.jump
    return arguments


def _existing(path: str, where: str) -> Path:
    found = Path(path).expanduser()
    if not found.is_file():
        raise UserError(f"{where}: there is no file {found}")
    return found


@contextmanager
def explained(name: str, address: str) -> Iterator[None]:
    """What asyncssh raises, in words for the user."""
    import asyncssh

    where = name if address in ("", name) else f"{name} ({address})"
    try:
        yield
    except asyncssh.HostKeyNotVerifiable as error:
        raise LaunchError(
            f"node {where}: its host key is unknown or has changed ({error.reason}). Compare its fingerprint with the "
            f"host's own (ssh-keygen -lf on the host), then connect once by hand: ssh {address}"
        ) from None
    except asyncssh.PermissionDenied as error:
        raise LaunchError(
            f"node {where}: login refused ({error.reason}): check the user, and the key "
            "(cluster.key_file, ssh_config, or the agent)"
        ) from None
    except (asyncssh.ConfigParseError, asyncssh.KeyImportError) as error:
        raise UserError(f"node {where}: {error}") from None
    except TimeoutError:
        raise LaunchError(f"node {where}: no answer in time: is it up, and is a firewall in between?") from None
    except (OSError, asyncssh.Error) as error:
        raise LaunchError(f"node {where}: can't connect: {error}") from None
