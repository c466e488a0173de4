"""Where servers run: launchers behind one interface, one folder a kind."""

from assay.cluster.build import build_launcher
from assay.cluster.launcher import Launcher, LaunchError
from assay.cluster.options import ClusterOptions, nodes_of

__all__ = ["ClusterOptions", "LaunchError", "Launcher", "build_launcher", "nodes_of"]
