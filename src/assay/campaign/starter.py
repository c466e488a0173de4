"""`assay init`: a commented configuration for this machine."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from string import Template

from assay.cluster.facts import NodeFacts
from assay.cluster.probing import probe_here
from assay.errors import UserError
from assay.runs import write_text

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


def write_starter(path: Path, *, force: bool) -> str:
    """Write the file and say what was found. Raises UserError where it exists already."""
    if path.exists() and not force:
        raise UserError(f"{path} exists; choose another name or add --force")
    facts = probe_here()
    try:
        write_text(path, starter([facts]))
    except OSError as error:
        raise UserError(f"{path}: can't be written: {error.strerror}") from None
    return f"wrote {path} for {_found(facts)}; next: assay run {path}"


def starter(nodes: Sequence[NodeFacts]) -> str:
    """The file's text: vLLM where every node has accelerators, else the embedded engine."""
    accelerated = all(node.accelerators for node in nodes)
    lines = []
    for node in nodes:
        indices = [device.index for device in node.accelerators]
        names = ", ".join(sorted({device.name for device in node.accelerators})) or "no accelerator"
        lines.append(f"    - name: {node.name}  # {node.cpu_model or 'unknown CPU'}; {names}")
        if indices:
            lines.append(f"      accelerators: {indices}")
    template = Template(files("assay.campaign").joinpath("starter.yaml").read_text(encoding="utf-8"))
    return template.substitute(
        name="first-campaign",
        benchmark="llama3.1-8b" if accelerated else "smollm2-135m",
        engine=textwrap.indent(_VLLM if accelerated else _EMBEDDED, "  "),
        nodes="\n".join(lines) + "\n",
    )


def _found(facts: NodeFacts) -> str:
    if not facts.accelerators:
        return f"{facts.cpu_count} CPUs ({facts.cpu_model}), no accelerator"
    return f"{len(facts.accelerators)} accelerators ({facts.accelerators[0].name})"
