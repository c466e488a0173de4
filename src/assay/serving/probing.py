"""Asking a node what is in it: runs the probe and reads its answer."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

import orjson

from assay.digits import number_text
from assay.errors import AssayError
from assay.runs.node_facts import NodeFacts

_PARTS = ("nvml.py", "amdsmi.py", "packages.py", "probe.py")
_OUR_OWN = re.compile(r"^from (?:__future__|assay\S*) import .*\n", re.MULTILINE)


@cache
def probe_source() -> str:
    """The probe's program text, to be run by any Python 3 of a node, which has none of our modules."""
    parts = [files("assay.telemetry").joinpath(name).read_text() for name in _PARTS]
    return "from __future__ import annotations\n" + "".join(_OUR_OWN.sub("", part) for part in parts)


EVERY_S = 1.0
NODES_A_SECOND = 64
"""Of more nodes each tells of itself less often: what comes here, and what is kept of it, grows no further."""


def observing(accelerators: Iterable[int] | None, nodes: int) -> list[str]:
    """The probe's arguments for telemetry on one of `nodes`.

    `accelerators`: None leaves them to CUDA_VISIBLE_DEVICES, else all.
    """
    chosen = [] if accelerators is None else ["--only", ",".join(map(str, sorted(accelerators)))]
    return ["--every", str(_every_s(nodes)), *chosen]


def observed(nodes: int) -> str:
    """What is collected on each of `nodes`, for the user."""
    every = "second" if nodes <= NODES_A_SECOND else f"{number_text(_every_s(nodes), 3)} s"
    return f"host, and accelerators in use where NVML answers, every {every}; times are of arrival at the controller"


def _every_s(nodes: int) -> float:
    return max(EVERY_S, nodes / NODES_A_SECOND)


def parse_probe(output: bytes, node: str) -> NodeFacts:
    """The probe's answer. Raises AssayError where it is no answer."""
    try:
        return NodeFacts(name=node, **orjson.loads(output))
    except (TypeError, ValueError) as error:
        text = output.decode(errors="replace")[:300]
        raise AssayError(f"node {node}: the probe's answer can't be read ({error}): {text!r}") from None


def probe_here(node: str = "local", timeout_s: float = 30.0) -> NodeFacts:
    """Probe this machine, in a process of its own: a driver that hangs can't take this one along."""
    command = [sys.executable, "-"]
    try:
        done = subprocess.run(
            command, input=probe_source().encode(), capture_output=True, cwd="/", timeout=timeout_s, check=True
        )
    except subprocess.TimeoutExpired:
        return NodeFacts(name=node, problems=[f"the probe did not answer in {timeout_s:g} s"])
    except subprocess.CalledProcessError as error:
        raise AssayError(f"node {node}: the probe failed: {error.stderr.decode(errors='replace')[-300:]}") from None
    return parse_probe(done.stdout, node)
