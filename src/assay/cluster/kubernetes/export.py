"""A deployment, or a whole campaign, as manifests that a site applies itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from assay.cluster.kubernetes import job
from assay.cluster.kubernetes.manifests import Object, manifests, name_of
from assay.cluster.options import KubernetesOptions
from assay.serving.servers import ServerSpec

ROLE_FILE = "assay-role.yaml"


def export_files(specs: Sequence[ServerSpec], options: KubernetesOptions, label: str) -> dict[str, str]:
    """The servers' objects, and the role that assay needs to run them itself."""
    head = _secret_first(options, name_of(label), specs[0].secret_env)
    return {
        "assay-servers.yaml": head + _text(*manifests(specs, options, label)),
        ROLE_FILE: _text(job.role(options)),
    }


def campaign_files(options: KubernetesOptions, config: str, image: str, secret_env: Sequence[str]) -> dict[str, str]:
    """A Job that carries out the campaign of `config`, with all that it needs besides ROLE_FILE.

    The claim isn't among what `kubectl apply -k` makes, so that `kubectl delete -k` leaves the results.
    """
    applied = {
        "assay-account.yaml": _text(*job.account(options)),
        "assay-network.yaml": _text(job.network(options)),
        "assay-config.yaml": _text(job.configuration(options, config)),
        "assay-job.yaml": _secret_first(options, job.KEYS, secret_env) + _text(job.job(options, image, secret_env)),
    }
    kustomization: Object = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [ROLE_FILE, *applied],
    }
    return {
        **applied,
        "kustomization.yaml": _text(kustomization),
        "assay-results.yaml": _text(job.claim(options)),
        "assay-collect.yaml": _text(job.collector(options, image)),
    }


def _secret_first(options: KubernetesOptions, name: str, secret_env: Sequence[str]) -> str:
    """A comment above what refers to a Secret; empty where nothing is in it."""
    literals = "".join(f" --from-literal={variable}=..." for variable in secret_env)
    return f"# First: kubectl -n {options.namespace} create secret generic {name}{literals}\n" if literals else ""


class _Dumper(yaml.SafeDumper):
    """For people to read: without aliases, and what is lines stays lines."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    lines = text.endswith("\n") and not text[0].isspace()
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if lines else None)


_Dumper.add_representer(str, _string)


def _text(*objects: Object) -> str:
    return yaml.dump_all(objects, Dumper=_Dumper, sort_keys=False)
