"""Hosts over SSH: one connection and one small agent a node; load never goes through either unless asked for."""

from assay.cluster.ssh.connection import connect
from assay.cluster.ssh.launcher import SshLauncher
from assay.cluster.ssh.session import Session

__all__ = ["Session", "SshLauncher", "connect"]
