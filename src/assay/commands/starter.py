"""`assay init`: a commented configuration with what one launcher and one engine need, and no more."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Literal

from assay.cluster.build import build_launcher
from assay.cluster.options import SshNode, SshOptions
from assay.commands.schema import config_schema
from assay.errors import UserError
from assay.runs import write_text
from assay.runs.node_facts import NodeFacts
from assay.scratch import scratch_folder
from assay.serving.probing import probe_here
from assay.serving.servers import ServerSpec

LauncherName = Literal["local", "ssh", "docker", "slurm", "kubernetes", "torchx"]
EngineName = Literal["embedded", "vllm", "external", "simulated"]

SCHEMA = "assay.schema.json"
_HOST = re.compile(r"(?:(?P<user>[A-Za-z0-9._-]+)@)?(?P<host>[A-Za-z0-9][A-Za-z0-9._-]*)(?::(?P<port>[0-9]{1,5}))?")
_WHERE: dict[LauncherName, tuple[str, str]] = {
    "local": ("on this machine", "first-run"),
    "ssh": ("on hosts over SSH", "two-nodes"),
    "docker": ("in containers", "two-nodes"),
    "slurm": ("as Slurm jobs", "slurm"),
    "kubernetes": ("as pods", "kubernetes"),
    "torchx": ("as a TorchX app", "two-nodes"),
}
"""Of each launcher: where its servers are, and the tutorial."""
_WHAT: dict[EngineName, str] = {
    "embedded": "The embedded engine",
    "vllm": "vLLM",
    "external": "Servers that run already",
    "simulated": "Simulated servers",
}
_MODEL = "/models/Llama-3.1-8B-Instruct"
_IMAGES = {"vllm": "vllm/vllm-openai:v0.11.0"}
_DATASETS = {
    "llama3.1-8b": """\
  path: cnn_eval.json               # MLPerf's file, or its folder: `assay fetch cnn-dailymail` makes it
  samples: 24                       # only the first N; remove for all
""",
    "smollm2-135m": """\
  samples: 12                       # of the bundled articles; `path: FILE` for your own prompts
""",
}
_BOTH = "[performance, accuracy]      # timed; answers scored"
_MODES: dict[EngineName, str] = {
    "embedded": _BOTH,
    "vllm": _BOTH,
    "external": "[performance]                # accuracy: answers are scored, too; that needs the tokenizer",
    "simulated": "[performance]                # a simulated model's answers are worth no score",
}
_OWN_IMAGE = "registry.example.org/assay:latest   # yours, with Assay in it"


@dataclass(frozen=True)
class Starter:
    """What the file is for."""

    launcher: LauncherName
    engine: EngineName
    facts: Sequence[NodeFacts] = ()
    """Of nodes that were looked at; without any the file names nodes that the user has to replace."""
    hosts: Sequence[SshNode] = field(default=())


def write_starter(
    path: Path,
    hosts: Sequence[str] = (),
    *,
    launcher: LauncherName | None = None,
    engine: EngineName | None = None,
    force: bool,
) -> str:
    """Write the file, and the schema that its first line names beside it; say what was found.

    `hosts` are [user@]host[:port]; each is probed and none is changed. Raises UserError where the file exists already,
    a host is written wrongly or options don't go together, LaunchError where a host can't be reached.
    """
    if hosts and launcher not in (None, "ssh"):
        raise UserError(f"--ssh goes with --launcher ssh, not {launcher}")
    if engine == "external" and (hosts or launcher):
        raise UserError("servers that run already have no launcher: give --engine external alone")
    if path.exists() and not force:
        raise UserError(f"{path} exists; choose another name or add --force")
    chosen = launcher or ("ssh" if hosts else "local")
    nodes = [_ssh_node(host) for host in hosts]
    facts = asyncio.run(_probe(nodes)) if nodes else [probe_here()] if chosen == "local" else []
    elsewhere = chosen not in ("local", "ssh")
    accelerated = elsewhere if not facts else all(node.accelerators for node in facts)
    what = Starter(chosen, engine or ("vllm" if accelerated else "embedded"), facts, nodes)
    try:
        write_text(path, starter(what, path.name))
        write_text(path.parent / SCHEMA, json.dumps(config_schema(), indent=2) + "\n")
    except OSError as error:
        raise UserError(f"{path}: can't be written: {error.strerror}") from None
    found = "; ".join(_found(node) for node in facts) or "nodes that are yours to name"
    if what.engine == "external":
        found = "endpoints that are yours to name"
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


def starter(what: Starter, file: str = "assay.yaml") -> str:
    """The file's text, its parts put together."""
    external = what.engine == "external"
    where, tutorial = ("", "my-server") if external else _WHERE[what.launcher]
    benchmark = "llama3.1-8b" if what.engine in ("vllm", "external") else "smollm2-135m"
    values = {
        "schema": SCHEMA,
        "file": file,
        "title": f"{_WHAT[what.engine]}{' ' if where else ''}{where}.",
        "tutorial": tutorial,
        "benchmark": benchmark,
        "dataset": _DATASETS[benchmark],
        "modes": _MODES[what.engine],
        "model": _MODEL,
        "image": _IMAGES.get(what.engine, _OWN_IMAGE),
        "accelerators": "  accelerators: 1                   # of each pod\n" if what.engine == "vllm" else "",
        "nodes": "\n".join(_nodes(what)),
    }
    parts = ["top", f"engine-{what.engine}", *([] if external else [f"cluster-{what.launcher}"])]
    return "".join(_part(part).substitute(values) for part in parts)


def _part(name: str) -> Template:
    return Template(files("assay.commands").joinpath(f"starter_parts/{name}.yaml").read_text(encoding="utf-8"))


def _nodes(what: Starter) -> list[str]:
    if what.facts:
        return [line for node in what.facts for line in _node_lines(node, what)]
    accelerators = ", accelerators: 1" if what.engine == "vllm" else ""
    if what.launcher in ("local", "torchx"):
        return [f"    - {{name: local{accelerators}}}"]
    reached = what.launcher in ("ssh", "docker")
    named = [(name, f", address: {name}.example.org" if reached else "") for name in ("node1", "node2")]
    return [f"    - {{name: {name}{address}{accelerators}}}   # yours" for name, address in named]


def _node_lines(node: NodeFacts, what: Starter) -> list[str]:
    names = ", ".join(sorted({device.name for device in node.accelerators})) or "no accelerator"
    lines = [f"    - name: {node.name}  # {node.cpu_model or 'unknown CPU'}; {names}"]
    for host in what.hosts:
        if host.name == node.name:
            values = {"address": host.address, "user": host.user, "port": host.port}
            lines += [f"      {key}: {value}" for key, value in values.items() if value is not None]
    if node.accelerators and what.engine == "vllm":
        lines.append(f"      accelerators: {[device.index for device in node.accelerators]}")
    return lines


def _found(facts: NodeFacts) -> str:
    if not facts.accelerators:
        return f"{facts.cpu_count} CPUs ({facts.cpu_model}), no accelerator"
    return f"{len(facts.accelerators)} accelerators ({facts.accelerators[0].name})"
