"""OpenSSH's command line for a node, for scripts that do without assay."""

from __future__ import annotations

import math
import shlex

from assay.cluster.launcher import LOOK_AT_NODE
from assay.cluster.options import DockerOptions, SshNode, SshOptions

_HOME = "~/"


def look_over_ssh(options: SshOptions | DockerOptions) -> list[str]:
    """Lines of bash that show the accelerators of each node, or its load where it has none."""
    look = shlex.join(["sh", "-c", LOOK_AT_NODE])  # whatever shell its user has there
    lines = []
    for node in options.nodes:
        lines += [f"echo {shlex.quote(node.name)}", _command_on(node, options, look)]
    return lines


def _command_on(node: SshNode, options: SshOptions | DockerOptions, remote: str) -> str:
    """A line of bash that runs `remote` on `node`, with the same configuration, user, key and host keys as assay."""
    wait_s = math.ceil(options.connect_timeout_s)
    command = ["ssh", "-n", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", f"ConnectTimeout={wait_s}"]
    words = [shlex.join(command)]
    words += [f"-F {_path(options.config_file)}"] if options.config_file else []
    settings = {"IdentityFile": options.key_file, "UserKnownHostsFile": options.known_hosts}
    for name, path in settings.items():
        words += [f"-o {shlex.quote(f'{name}={_in_setting(path)}')}"] if path else []
    words += ["-o IdentitiesOnly=yes"] if options.key_file else []
    rest = ["-J", node.jump] if node.jump else []
    rest += ["-p", str(node.port)] if node.port else []
    user = node.user or options.user
    address = node.address or node.name
    return " ".join([*words, shlex.join([*rest, "--", f"{user}@{address}" if user else address, remote])])


def _path(path: str) -> str:
    """A word of bash: ssh itself takes a ~ there for a name."""
    return f'"$HOME"/{shlex.quote(path.removeprefix(_HOME))}' if path.startswith(_HOME) else shlex.quote(path)


def _in_setting(path: str) -> str:
    """One word of ssh_config, in which ssh replaces a ~, and nothing else."""
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'
