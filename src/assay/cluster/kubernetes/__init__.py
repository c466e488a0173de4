"""Servers as pods: a StatefulSet and a headless Service, through the official client."""

from assay.cluster.kubernetes.launcher import KubernetesLauncher
from assay.cluster.kubernetes.manifests import manifests

__all__ = ["KubernetesLauncher", "manifests"]
