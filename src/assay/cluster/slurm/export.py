"""A deployment as sbatch scripts that a site submits itself."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from assay.cluster.local import GUARD
from assay.cluster.options import SlurmOptions
from assay.cluster.slurm.batch import batches
from assay.cluster.slurm.script import sbatch_script
from assay.serving.servers import ServerSpec


def export_files(specs: Sequence[ServerSpec], options: SlurmOptions, label: str) -> dict[str, str]:
    """A script a server or array of servers, the guard that they run, and what to do with both."""
    folder = Path(options.folder) / label
    submitted = batches(specs, options)
    scripts = {batch.script: sbatch_script(batch, options, label, folder) for batch in submitted}
    logs = [batch.log("INDEX") for batch in submitted if batch.is_array]
    return {**scripts, "guard.py": GUARD.read_text(), "README.txt": _readme(list(scripts), folder, logs)}


def _readme(scripts: list[str], folder: Path, logs: list[str]) -> str:
    lines = [f"Copy these files to {folder} on the file system that the nodes share, then:"]
    lines += [f"    sbatch {shlex.quote(str(folder / script))}" for script in scripts]
    lines += [f"Each server writes its node and port to {folder}/NAME.address and its output to {folder}/NAME.log"]
    lines[-1] += f" ({', '.join(logs)} where it is one of an array)." if logs else "."
    lines += ["Name the servers as endpoints of an engine of kind external to benchmark them."]
    return "\n".join(lines) + "\n"
