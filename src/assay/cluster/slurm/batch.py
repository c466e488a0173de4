"""Which servers are one array of jobs, and where each server's files are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.cluster.options import SlurmOptions
from assay.serving.servers import ServerSpec

LONGEST = 1000
"""Slurm's MaxArraySize is 1001 unless a site says otherwise: https://slurm.schedmd.com/slurm.conf.html"""


@dataclass(frozen=True)
class Batch:
    """Servers that are submitted together: one as a job, several as an array of jobs, in the order of `servers`."""

    number: int
    """Of the batch, in its deployment."""
    servers: tuple[tuple[int, ServerSpec], ...]
    """With their numbers in the deployment."""

    @property
    def spec(self) -> ServerSpec:
        """What all of its servers have in common, and the name of the first."""
        return self.servers[0][1]

    @property
    def is_array(self) -> bool:
        return len(self.servers) > 1

    # No name of a server holds an underscore.
    @property
    def script(self) -> str:
        return f"array_{self.number}.sh" if self.is_array else f"{self.spec.name}.sh"

    def job(self, submitted: str, index: int) -> str:
        """What Slurm calls the job of its server `index`; `submitted` is what sbatch said."""
        return f"{submitted}_{index}" if self.is_array else submitted

    def log(self, index: str) -> str:
        """The file that Slurm writes the job's output to; `index` may be sbatch's %a."""
        return f"array_{self.number}_{index}.log" if self.is_array else f"{self.spec.name}.log"


def batches(specs: Sequence[ServerSpec], options: SlurmOptions) -> list[Batch]:
    """Arrays of servers that differ in nothing but their names, where Slurm may choose their nodes.

    The jobs of an array have one set of options, so a server that must be on a node of its own is a job of its own.
    """
    alike: dict[object, list[tuple[int, ServerSpec]]] = {}
    for number, spec in enumerate(specs):
        common = (spec.argv, tuple(spec.env.items()), spec.secret_env, spec.port, len(spec.accelerators))
        alike.setdefault(number if options.pin else common, []).append((number, spec))
    parts = [group[i : i + LONGEST] for group in alike.values() for i in range(0, len(group), LONGEST)]
    return [Batch(number, tuple(part)) for number, part in enumerate(parts)]
