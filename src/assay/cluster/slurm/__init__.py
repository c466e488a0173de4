"""Servers as Slurm jobs: our own sbatch scripts, and Slurm's answers in plain words."""

from assay.cluster.slurm.launcher import SlurmLauncher
from assay.cluster.slurm.script import sbatch_script

__all__ = ["SlurmLauncher", "sbatch_script"]
