"""Assay on a cluster's nodes by Ansible: an inventory and variables of the configuration, playbooks, and a role."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import yaml

from assay.cluster.options import ClusterOptions, SshNode, SshOptions
from assay.errors import UserError
from assay.install.nodes import folder_of

LIMIT_S = 7 * 24 * 3600
"""Longest campaign, in seconds, that `run.yml` waits for unless told otherwise."""
_TEMPLATE_BEGINS = ("{{", "{%", "{#")


class _Plain(str):
    """A text that Ansible must not take for a template."""


class _Dumper(yaml.SafeDumper):
    """Lists stand indented under their key, as ansible-lint wants them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, indentless=False)


_Dumper.add_representer(_Plain, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text), style='"'))


def ansible_files(
    cluster: ClusterOptions, config: Path, results: Path, overrides: Sequence[str] = ()
) -> dict[str, str]:
    """File name: text.

    `config` is the assay.yaml that it all comes from, `overrides` what was set besides (`a.b=c`), `results` the
    `output` of both.
    Raises UserError where `cluster` has another launcher than ssh.
    """
    if not isinstance(cluster, SshOptions):
        raise UserError(f"export ansible needs `cluster: {{launcher: ssh}}`, not {cluster.launcher}")
    package = files("assay.install")
    return {
        "inventory.yml": _yaml(_inventory(cluster)),
        "group_vars/assay.yml": _yaml(_variables(config, results, overrides)),
        **_tree(package / "ansible", ""),
        "roles/assay_node/files/installer.py": (package / "installer.py").read_text(encoding="utf-8"),
    }


def _tree(folder: Traversable, above: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in sorted(folder.iterdir(), key=lambda entry: entry.name):
        name = f"{above}{each.name}"
        found |= _tree(each, f"{name}/") if each.is_dir() else {name: each.read_text(encoding="utf-8")}
    return found


def _inventory(cluster: SshOptions) -> dict[str, Any]:
    controller = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    nodes = {node.name: _plain(_host(node, cluster)) for node in cluster.nodes}
    groups = {"assay_nodes": {"hosts": nodes}, "assay_controller": {"hosts": {"localhost": controller}}}
    return {"assay": {"children": groups}}


def _host(node: SshNode, cluster: SshOptions) -> dict[str, Any]:
    words = {
        "-F": cluster.config_file,
        "-J": node.jump,
        "-oUserKnownHostsFile": cluster.known_hosts,
    }
    arguments = [[key, str(value)] if len(key) == 2 else [f"{key}={value}"] for key, value in words.items() if value]
    host = {
        "ansible_host": node.address or node.name,
        "ansible_user": node.user or cluster.user,
        "ansible_port": node.port,
        "ansible_ssh_private_key_file": str(cluster.key_file) if cluster.key_file else None,
        "ansible_ssh_common_args": shlex.join(word for each in arguments for word in each),
        "assay_node_folder": folder_of(node, cluster),
    }
    return {key: value for key, value in host.items() if value}


def _variables(config: Path, results: Path, overrides: Sequence[str]) -> dict[str, Any]:
    return {
        "assay_command": "assay",
        "assay_folder": _plain(str(config.resolve().parent)),
        "assay_config": _plain(config.name),
        "assay_settings": _plain([word for each in overrides for word in ("--set", each)]),
        "assay_results": _plain(str(results)),
        "assay_limit_s": LIMIT_S,
    }


def _plain(value: Any) -> Any:
    """The user's own words, of which none is a template."""
    if isinstance(value, str):
        return _Plain(value) if any(mark in value for mark in _TEMPLATE_BEGINS) else value
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return {key: _plain(each) for key, each in value.items()} if isinstance(value, dict) else value


def _yaml(data: dict[str, Any]) -> str:
    return "---\n" + yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)
