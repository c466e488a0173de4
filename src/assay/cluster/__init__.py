"""Where servers run: launchers behind one interface, one folder a kind."""

from assay.cluster.build import build_launcher
from assay.cluster.launcher import Launcher, LaunchError
from assay.cluster.options import ClusterOptions

__all__ = ["ClusterOptions", "LaunchError", "Launcher", "build_launcher"]
