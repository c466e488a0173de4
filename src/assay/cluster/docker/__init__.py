"""Containers, on this machine or on hosts whose docker socket is forwarded over SSH."""

from assay.cluster.docker.launcher import DockerLauncher

__all__ = ["DockerLauncher"]
