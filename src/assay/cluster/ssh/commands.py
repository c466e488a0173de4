"""OpenSSH's command line for a node, for scripts that do without assay."""

from __future__ import annotations

import shlex

from assay.cluster.launcher import LOOK_AT_GPUS
from assay.cluster.options import DockerOptions, SshNode, SshOptions


def look_over_ssh(options: SshOptions | DockerOptions) -> list[str]:
    """Lines of bash that show the accelerators of each node, or its load where it has none."""
    lines = []
    for node in options.nodes:
        lines += [f"echo {shlex.quote(node.name)}", _command_on(node, options, f"{LOOK_AT_GPUS} || uptime")]
    return lines


def _command_on(node: SshNode, options: SshOptions | DockerOptions, remote: str) -> str:
    """A line of bash that runs `remote` on `node`, with the same user, key and host keys as assay."""
    command = ["ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]
    command += ["-F", options.config_file] if options.config_file else []
    command += ["-i", options.key_file] if options.key_file else []
    command += ["-o", f"UserKnownHostsFile={options.known_hosts}"] if options.known_hosts else []
    command += ["-J", node.jump] if node.jump else []
    command += ["-p", str(node.port)] if node.port else []
    user = node.user or options.user
    address = node.address or node.name
    return shlex.join([*command, "--", f"{user}@{address}" if user else address, remote])
