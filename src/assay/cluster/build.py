"""From the `cluster:` section to the launcher."""

from __future__ import annotations

from pathlib import Path

from assay.cluster.launcher import Launcher
from assay.cluster.local import LocalLauncher
from assay.cluster.options import (
    ClusterOptions,
    DockerOptions,
    KubernetesOptions,
    LocalOptions,
    SlurmOptions,
    SshOptions,
)


def build_launcher(options: ClusterOptions, label: str, folder: Path) -> Launcher:
    """The launcher that `options` describe. Raises UserError where its extra isn't installed."""
    if isinstance(options, LocalOptions):
        return LocalLauncher(label, folder)
    if isinstance(options, SshOptions):
        from assay.cluster.ssh import SshLauncher
        from assay.cluster.ssh.connection import require_asyncssh

        require_asyncssh()
        return SshLauncher(options, label, folder)
    if isinstance(options, DockerOptions):
        from assay.cluster.docker import DockerLauncher

        return DockerLauncher(options, label)
    if isinstance(options, SlurmOptions):
        from assay.cluster.slurm import SlurmLauncher

        return SlurmLauncher(options, label)
    if isinstance(options, KubernetesOptions):
        from assay.cluster.kubernetes import KubernetesLauncher

        return KubernetesLauncher(options, label)
    from assay.cluster.torchx import TorchxLauncher

    return TorchxLauncher(options, label)
