"""From the `cluster:` section to the launcher: the one table of launchers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from assay.cluster.launcher import Launcher
from assay.cluster.options import ClusterOptions

# Each imports its launcher when it is asked for: TorchX and the Kubernetes client take their time.


def _local(options: Any, label: str, folder: Path) -> Launcher:
    from assay.cluster.local import LocalLauncher

    return LocalLauncher(label, folder, nodes=options.nodes)


def _ssh(options: Any, label: str, folder: Path) -> Launcher:
    from assay.cluster.ssh import SshLauncher

    return SshLauncher(options, label, folder)


def _docker(options: Any, label: str, folder: Path) -> Launcher:
    from assay.cluster.docker import DockerLauncher

    return DockerLauncher(options, label)


def _slurm(options: Any, label: str, folder: Path) -> Launcher:
    from assay.cluster.slurm import SlurmLauncher

    return SlurmLauncher(options, label)


def _kubernetes(options: Any, label: str, folder: Path) -> Launcher:
    from assay.cluster.kubernetes import KubernetesLauncher

    return KubernetesLauncher(options, label)


def _torchx(options: Any, label: str, folder: Path) -> Launcher:
    from assay.cluster.torchx import TorchxLauncher

    return TorchxLauncher(options, label)


LAUNCHERS: dict[str, Callable[[Any, str, Path], Launcher]] = {
    "local": _local,
    "ssh": _ssh,
    "docker": _docker,
    "slurm": _slurm,
    "kubernetes": _kubernetes,
    "torchx": _torchx,
}
EXPORTERS = {"k8s": "kubernetes", "slurm": "slurm"}
"""Which launcher's files each kind of export consists of."""


def build_launcher(options: ClusterOptions, label: str, folder: Path) -> Launcher:
    """The launcher that `options` describe. It raises UserError where its extra isn't installed, once it is used."""
    return LAUNCHERS[options.launcher](options, label, folder)
