"""Engines on launchers: the deployment, what is checked before it, and what is exported of it."""

from assay.deploy.deployment import Deployment, stop_deployment
from assay.deploy.state import DeploymentRecord, read_record

__all__ = ["Deployment", "DeploymentRecord", "read_record", "stop_deployment"]
