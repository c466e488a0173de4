"""From the `cluster:` section to the launcher."""

from __future__ import annotations

from pathlib import Path

from assay.cluster.launcher import Launcher
from assay.cluster.local import LocalLauncher
from assay.cluster.options import ClusterOptions, LocalOptions, SshOptions
from assay.errors import UserError


def build_launcher(options: ClusterOptions, label: str, folder: Path) -> Launcher:
    """The launcher that `options` describe. Raises UserError where its extra isn't installed."""
    if isinstance(options, LocalOptions):
        return LocalLauncher(label, folder)
    if isinstance(options, SshOptions):
        from assay.cluster.ssh import SshLauncher
        from assay.cluster.ssh.connection import require_asyncssh

        require_asyncssh()
        return SshLauncher(options, label, folder)
    raise UserError(f"cluster.launcher: {options.launcher} is not available")
