"""`assay init`: a commented configuration for this machine, or for hosts that SSH reaches."""

from __future__ import annotations

import asyncio
import re
import textwrap
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from string import Template

from assay.cluster.build import build_launcher
from assay.cluster.options import SshNode, SshOptions
from assay.errors import UserError
from assay.runs import write_text
from assay.runs.node_facts import NodeFacts
from assay.scratch import scratch_folder
from assay.serving.probing import probe_here
from assay.serving.servers import ServerSpec

_HOST = re.compile(r"(?:(?P<user>[A-Za-z0-9._-]+)@)?(?P<host>[A-Za-z0-9][A-Za-z0-9._-]*)(?::(?P<port>[0-9]{1,5}))?")
_EMBEDDED = """\
kind: embedded                    # embedded, vllm, external, simulated
precision: bf16                   # or f32: slower, the same tokens at any concurrency
window: 32                        # requests in flight
"""
_VLLM = """\
kind: vllm
model: /models/Llama-3.1-8B-Instruct
tensor_parallel: 1
max_num_seqs: 256
max_model_len: 2668
"""


def write_starter(path: Path, hosts: Sequence[str] = (), *, force: bool) -> str:
    """Write the file and say what was found.

    `hosts` are [user@]host[:port]; each is probed and none is changed. Raises UserError where the file exists already
    or a host is written wrongly, LaunchError where one can't be reached.
    """
    if path.exists() and not force:
        raise UserError(f"{path} exists; choose another name or add --force")
    nodes = [_ssh_node(host) for host in hosts]
    facts = asyncio.run(_probe(nodes)) if nodes else [probe_here()]
    try:
        write_text(path, starter(facts, nodes))
    except OSError as error:
        raise UserError(f"{path}: can't be written: {error.strerror}") from None
    found = "; ".join(_found(node) for node in facts)
    return f"wrote {path} for {found}; next: assay check {path}, then assay run {path}"


def _ssh_node(host: str) -> SshNode:
    match = _HOST.fullmatch(host)
    if match is None:
        raise UserError(f"--ssh {host}: write it as [user@]host[:port]")
    name = re.sub(r"[^a-z0-9.-]", "-", match["host"].lower()).strip(".-")
    port = int(match["port"]) if match["port"] else None
    return SshNode(name=name, address=match["host"], user=match["user"], port=port)


async def _probe(nodes: Sequence[SshNode]) -> list[NodeFacts]:
    with scratch_folder() as folder:
        options = SshOptions(launcher="ssh", nodes=tuple(nodes))
        launcher = build_launcher(options, "init", folder)
        try:
            await launcher.prepare([ServerSpec(name=node.name, node=node.name, argv=()) for node in nodes])
            return await launcher.facts()
        finally:
            await launcher.stop()


def starter(facts: Sequence[NodeFacts], hosts: Sequence[SshNode] = ()) -> str:
    """The file's text: vLLM where every node has accelerators, else the embedded engine."""
    accelerated = all(node.accelerators for node in facts)
    template = Template(files("assay.campaign").joinpath("starter.yaml").read_text(encoding="utf-8"))
    return template.substitute(
        name="first-campaign",
        benchmark="llama3.1-8b" if accelerated else "smollm2-135m",
        engine=textwrap.indent(_VLLM if accelerated else _EMBEDDED, "  "),
        launcher="ssh  " if hosts else "local",
        nodes="\n".join(line for node in facts for line in _node_lines(node, hosts)) + "\n",
    )


def _node_lines(node: NodeFacts, hosts: Sequence[SshNode]) -> list[str]:
    names = ", ".join(sorted({device.name for device in node.accelerators})) or "no accelerator"
    lines = [f"    - name: {node.name}  # {node.cpu_model or 'unknown CPU'}; {names}"]
    for host in hosts:
        if host.name == node.name:
            values = {"address": host.address, "user": host.user, "port": host.port}
            lines += [f"      {key}: {value}" for key, value in values.items() if value is not None]
    if node.accelerators:
        lines.append(f"      accelerators: {[device.index for device in node.accelerators]}")
    return lines


def _found(facts: NodeFacts) -> str:
    if not facts.accelerators:
        return f"{facts.cpu_count} CPUs ({facts.cpu_model}), no accelerator"
    return f"{len(facts.accelerators)} accelerators ({facts.accelerators[0].name})"
