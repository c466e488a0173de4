"""TorchX both ways: servers on any TorchX scheduler, and SSH hosts as a TorchX scheduler."""

from assay.cluster.torchx.launcher import TorchxLauncher

__all__ = ["TorchxLauncher"]
