"""Installs the tools that benchmarks/bench_vs_peers.py compares with, each in an environment of its own.

    python benchmarks/peers/install.py [aiperf] [guidellm]

They go into the cache folder (`ASSAY_CACHE`), never into the project's environment: together they take some 7 GB, and
their dependencies exclude each other. A tool that can't be installed is left out, and its reason is kept.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

from assay.assets import cache_dir

_LAST_WORDS = 300  # characters of pip's output that tell why
_TIMEOUT_S = 1800


@dataclass(frozen=True)
class Tool:
    """A peer: what pip installs, and the program that it brings."""

    name: str
    requirements: tuple[str, ...]

    @property
    def folder(self) -> Path:
        return cache_dir() / "peers" / self.name

    @property
    def program(self) -> Path:
        return self.folder / "bin" / self.name

    @property
    def why_not(self) -> str | None:
        """Why it isn't there; None where it is."""
        if self.program.exists():
            return None
        reason = self.folder.with_suffix(".reason")
        return reason.read_text() if reason.exists() else "not installed: run python benchmarks/peers/install.py"

    def install(self) -> None:
        """Make its environment anew. On failure nothing stays but the reason."""
        shutil.rmtree(self.folder, ignore_errors=True)
        reason = self.folder.with_suffix(".reason")
        reason.unlink(missing_ok=True)
        venv.create(self.folder, with_pip=True)
        command = [str(self.folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *self.requirements]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
            words = done.stderr.strip()[-_LAST_WORDS:] if done.returncode else ""
        except subprocess.TimeoutExpired:
            words = f"pip took longer than {_TIMEOUT_S} s"
        if words or not self.program.exists():
            shutil.rmtree(self.folder, ignore_errors=True)
            reason.parent.mkdir(parents=True, exist_ok=True)
            reason.write_text(f"can't be installed here: {words or 'the package brings no such program'}")


TOOLS = {tool.name: tool for tool in (Tool("aiperf", ("aiperf==0.13.0",)), Tool("guidellm", ("guidellm==0.8.1",)))}


def main() -> int:
    """Exit code 1 where a tool isn't there afterwards."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("tools", nargs="*", metavar="TOOL", help=f"default: {', '.join(TOOLS)}")
    wanted = parser.parse_args().tools or list(TOOLS)
    if unknown := set(wanted) - set(TOOLS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    for name in wanted:
        if TOOLS[name].why_not is not None:
            TOOLS[name].install()
        print(f"{name}: {TOOLS[name].why_not or TOOLS[name].program}")
    return int(any(TOOLS[name].why_not for name in wanted))


if __name__ == "__main__":
    sys.exit(main())
