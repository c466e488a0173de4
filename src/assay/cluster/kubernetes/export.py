"""A deployment as manifests that a site applies itself."""

from __future__ import annotations

from collections.abc import Sequence

import yaml

from assay.cluster.kubernetes.check import rights
from assay.cluster.kubernetes.manifests import manifests, name_of
from assay.cluster.options import KubernetesOptions
from assay.serving.servers import ServerSpec


def export_files(specs: Sequence[ServerSpec], options: KubernetesOptions, label: str) -> dict[str, str]:
    """The servers' objects, and the role that assay needs to run them itself."""
    objects = manifests(specs, options, label)
    secret = "".join(f" --from-literal={name}=..." for name in specs[0].secret_env)
    head = f"# First: kubectl -n {options.namespace} create secret generic {name_of(label)}{secret}\n"
    return {
        "assay-servers.yaml": (head if secret else "") + yaml.safe_dump_all(objects, sort_keys=False),
        "assay-role.yaml": yaml.safe_dump(_role(options), sort_keys=False),
    }


def _role(options: KubernetesOptions) -> dict[str, object]:
    """The rights that assay needs in its namespace, to be bound to whoever runs it."""
    rules = [
        {"apiGroups": [group], "resources": [name], "verbs": list(verbs)} for group, name, verbs in rights(options)
    ]
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "assay", "namespace": options.namespace},
        "rules": rules,
    }
