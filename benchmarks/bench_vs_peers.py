"""How near each tool's figures are to what one server really did, and how soon the first one is there.

    python benchmarks/peers/install.py             # once: aiperf and guidellm, in environments of their own
    python benchmarks/bench_vs_peers.py [--json] [--tools assay aiperf guidellm] [--quick]

The server is assay's simulator on the first core; a tool with all its processes runs on the second, alone, with the
command that its users would write: 512 tokens in, 128 out, concurrency 1, 8 and 32, 5 and 20 Poisson arrivals a second.
An error is a tool's percentile minus the server's own for the same requests, by that tool's own definition of a
percentile. It holds the loopback and the server's delay in noticing a request, for all tools alike. A tool that isn't
installed, or fails, is told with the reason.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from peers.loads import FIGURES, FIRST, LOADS, SERVER, Load, truth_of
from peers.machine import Watch
from peers.programs import PROGRAMS, Program
from peers.server import CLIENT_CORE, simulator
from peers.tools import make_tokenizer

_TIMEOUT_S = 600
_LAST_WORDS = 400


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--tools", nargs="+", default=list(PROGRAMS), choices=list(PROGRAMS))
    parser.add_argument("--quick", action="store_true", help="a tenth of the requests: to see that it works")
    options = parser.parse_args()
    if len(os.sched_getaffinity(0)) < 2:
        parser.error("needs two cores: one for the server, one for the tool")
    loads = [replace(load, requests=max(load.value, load.requests // 10)) for load in LOADS] if options.quick else LOADS
    watch = Watch()
    tools = {name: compare(PROGRAMS[name], loads) for name in options.tools}
    result = {"tools": tools, "machine": watch.report(), "simulated": True, "quick": options.quick}
    print(json.dumps(result, indent=2) if options.json else as_text(result))
    return 0


def compare(program: Program, loads: Sequence[Load]) -> dict[str, Any]:
    """Headline figures of one tool, and every load's; or why there are none."""
    if program.why_not:
        return {"status": program.why_not}
    try:
        first = measure(program, FIRST)
        found = {str(load): measure(program, load) for load in loads}
    except (RuntimeError, ValueError, KeyError, OSError) as error:
        return {"status": f"failed: {error!r}"}

    def worst(figure: str) -> float:
        return max(abs(load["error_ms"][figure]) for load in found.values())

    return {
        "status": "measured",
        **{f"worst_{figure}_error_ms": round(worst(figure), 3) for figure in FIGURES},
        "seconds_to_first_number": round(first["command_s"], 1),
        "of_which_load_s": round(first["load_s"], 1),
        "loads": found,
    }


def measure(program: Program, load: Load) -> dict[str, Any]:
    """One load on a server of its own. Raises what `compare` catches."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        make_tokenizer(folder / "tokenizer")
        with simulator(*SERVER) as (url, lines):
            started_s = time.monotonic()
            printed = _run(program.command(url, load, folder), folder)
            command_s = time.monotonic() - started_s
        figures = program.figures(printed, folder)
    truth = truth_of(lines(), load.requests)
    true = truth.figures(program.percentile)
    return {
        "requests": load.requests,
        "command_s": round(command_s, 2),
        "load_s": round(truth.load_s, 2),
        "measured_ms": {figure: round(figures[figure], 3) for figure in FIGURES},
        "true_ms": {figure: round(true[figure], 3) for figure in FIGURES},
        "error_ms": {figure: round(figures[figure] - true[figure], 3) for figure in FIGURES},
    }


def _run(command: list[str], folder: Path) -> str:
    """What the command printed, run on the tools' core."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
            preexec_fn=lambda: os.sched_setaffinity(0, {CLIENT_CORE}),
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"took longer than {_TIMEOUT_S} s") from error
    if done.returncode:
        raise RuntimeError(f"exit code {done.returncode}: {(done.stderr or done.stdout).strip()[-_LAST_WORDS:]}")
    return done.stdout


def as_text(result: dict[str, Any]) -> str:
    """A row a load and tool: measured beside true, and the error."""
    lines = [f"{'tool':10}{'load':16}" + "".join(f"{figure + ' ms: measured, true, error':>38}" for figure in FIGURES)]
    for name, tool in result["tools"].items():
        if tool["status"] != "measured":
            lines.append(f"{name:10}{tool['status']}")
            continue
        for load, found in tool["loads"].items():
            cells = [
                f"{found['measured_ms'][figure]:.2f}, {found['true_ms'][figure]:.2f}, {found['error_ms'][figure]:+.3f}"
                for figure in FIGURES
            ]
            lines.append(f"{name:10}{load:16}" + "".join(f"{cell:>38}" for cell in cells))
    for name, tool in result["tools"].items():
        figures = ", ".join(f"{key} {value}" for key, value in tool.items() if key not in ("status", "loads"))
        lines.append(f"{name}: {figures or tool['status']}")
    if result["machine"]["warning"]:
        lines.append(result["machine"]["warning"])
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
