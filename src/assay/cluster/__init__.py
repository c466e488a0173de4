"""Where servers run: nodes, launchers behind one interface, preflight checks, and the deployment that ties them up."""

from assay.cluster.deployment import Deployment, stop_deployment
from assay.cluster.facts import AcceleratorFacts, NodeFacts
from assay.cluster.launcher import Launcher, LaunchError, PlacedServer, ServerSpec, ServerState
from assay.cluster.options import ClusterOptions, NodeOptions, nodes_of

__all__ = [
    "AcceleratorFacts",
    "ClusterOptions",
    "Deployment",
    "LaunchError",
    "Launcher",
    "NodeFacts",
    "NodeOptions",
    "PlacedServer",
    "ServerSpec",
    "ServerState",
    "nodes_of",
    "stop_deployment",
]
