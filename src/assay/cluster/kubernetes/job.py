"""A campaign as a Job: the objects that let it run in the cluster, without a machine of its user's."""

from __future__ import annotations

import os
from collections.abc import Sequence

from assay.cluster.kubernetes.check import rights
from assay.cluster.kubernetes.manifests import SERVER, Object, model_mount, model_source
from assay.cluster.options import KubernetesOptions

ACCOUNT = "assay"
"""Of the service account, its role and the Job."""
CONTROLLER = "assay-controller"
CONFIG = "assay-config"
RESULTS, RESULTS_FOLDER = "assay-results", "/results"
KEYS = "assay-keys"
"""The Secret that holds what `engine.pass_env` and `alerts` name; whoever runs the campaign makes it."""
_HOME = "/tmp"  # noqa: S108 - a volume of the pod
_UID = 1000
_GRACE_S = 300
"""To close the run under way, and to take the servers down, which have 30 s to end."""
_RETRIES = 3
# Each Job has a folder of its own, so that a pod that follows another goes on with what that one began, and with
# nothing else.
PROGRAM = """\
set -eu
for begun in "${ASSAY_JOB_UID:?}"/*/campaign.json; do
  [ ! -e "$begun" ] || set -- --resume
done
exec assay run /etc/assay/assay.yaml --output "$ASSAY_JOB_UID" "$@"
"""
# What the controller knows of its Job, from labels that Kubernetes gives to the Job's pods.
_JOB = {"ASSAY_JOB_NAME": "job-name", "ASSAY_JOB_UID": "controller-uid"}


def role(options: KubernetesOptions) -> Object:
    """The rights that assay needs in its namespace, to be bound to whoever runs it."""
    rules = [
        {"apiGroups": [group], "resources": [name], "verbs": list(verbs)} for group, name, verbs in rights(options)
    ]
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": _metadata(ACCOUNT, options),
        "rules": rules,
    }


def account(options: KubernetesOptions) -> list[Object]:
    """The account that the Job's pods have, with the role."""
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": ACCOUNT}
    subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": options.namespace}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _metadata(ACCOUNT, options)},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": _metadata(ACCOUNT, options),
            "roleRef": reference,
            "subjects": [subject],
        },
    ]


def network(options: KubernetesOptions) -> Object:
    """Only the controller reaches the servers of the namespace; those that serve one model together, each other."""
    port = [{"port": options.port, "protocol": "TCP"}]
    allowed: list[Object] = [{"from": [_pods(CONTROLLER)], "ports": port}]
    if options.pods_per_server > 1:
        allowed.append({"from": [_pods(SERVER)]})
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": _metadata("assay-servers", options),
        "spec": {**_pods(SERVER), "policyTypes": ["Ingress"], "ingress": allowed},
    }


def claim(options: KubernetesOptions) -> Object:
    """Where results go, and where pods that follow each other find them."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": _metadata(RESULTS, options),
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}},
    }


def configuration(options: KubernetesOptions, text: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _metadata(CONFIG, options),
        "data": {"assay.yaml": text},
    }


def job(options: KubernetesOptions, image: str, secret_env: Sequence[str]) -> Object:
    """The campaign. `secret_env` are the variables that come from the Secret KEYS."""
    pod = _pod(options, _controller(options, image, secret_env))
    pod |= {"serviceAccountName": ACCOUNT, "terminationGracePeriodSeconds": _GRACE_S, "affinity": _apart()}
    pod["volumes"].append({"name": "config", "configMap": {"name": CONFIG}})
    if options.model_volume:
        pod["volumes"].append(model_source(options.model_volume))
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": _metadata(ACCOUNT, options),
        "spec": {
            "backoffLimit": _RETRIES,
            "podFailurePolicy": _failures(),
            "template": {"metadata": {"labels": _labels(CONTROLLER)}, "spec": pod},
        },
    }


def _failures() -> Object:
    """A pod that was killed is followed by one that goes on; another try mends neither mistakes nor findings."""
    told = {"containerName": "controller", "operator": "In", "values": [1, 2, 3]}
    disrupted = {"type": "DisruptionTarget", "status": "True"}
    return {
        "rules": [
            {"action": "Ignore", "onPodConditions": [disrupted]},
            {"action": "FailJob", "onExitCodes": told},
        ]
    }


def _controller(options: KubernetesOptions, image: str, secret_env: Sequence[str]) -> Object:
    told = {name: {"fieldRef": {"fieldPath": f"metadata.labels['{label}']"}} for name, label in _JOB.items()}
    job = [{"name": name, "valueFrom": source} for name, source in told.items()]
    keys = [{"name": name, "valueFrom": {"secretKeyRef": {"name": KEYS, "key": name}}} for name in secret_env]
    container = _container("controller", image, options, ["sh", "-c", PROGRAM])
    container["workingDir"] = RESULTS_FOLDER
    container["env"] += [*job, *keys]
    container["resources"] = {"requests": {"cpu": "1", "memory": "1Gi"}}
    container["volumeMounts"].append({"name": "config", "mountPath": "/etc/assay", "readOnly": True})
    if options.model_volume:
        container["volumeMounts"].append(model_mount(options.model_volume))
    return container


def owned(item: Object) -> Object:
    """`item` with the Job that this process runs in as its owner, if it does: what a Job made goes with it."""
    name, uid = (os.environ.get(variable) for variable in _JOB)
    if not name or not uid:
        return item
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": uid}
    return {**item, "metadata": {**item["metadata"], "ownerReferences": [owner]}}


def collector(options: KubernetesOptions, image: str) -> Object:
    """A pod that holds the results for `kubectl cp`, for an hour."""
    container = _container("collect", image, options, ["sleep", "3600"])
    pod = _pod(options, container)
    pod["automountServiceAccountToken"] = False
    labels = _labels("assay-collect")
    metadata = {**_metadata("assay-collect", options), "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod}


def _pod(options: KubernetesOptions, container: Object) -> Object:
    """Within the Pod Security Standard `restricted`, where the model isn't on a folder of the node."""
    pod: Object = {
        "restartPolicy": "Never",
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _UID,
            "runAsGroup": _UID,
            "fsGroup": _UID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [
            {"name": "results", "persistentVolumeClaim": {"claimName": RESULTS}},
            {"name": "home", "emptyDir": {}},
        ],
    }
    if options.image_pull_secrets:
        pod["imagePullSecrets"] = [{"name": name} for name in options.image_pull_secrets]
    return pod


def _container(name: str, image: str, options: KubernetesOptions, command: list[str]) -> Object:
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": options.image_pull_policy,
        "command": command,
        "env": [{"name": "HOME", "value": _HOME}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "results", "mountPath": RESULTS_FOLDER},
            {"name": "home", "mountPath": _HOME},
        ],
    }


def _apart() -> Object:
    """Where there is room the client has a node without servers, so that it takes none of their processors' time."""
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": _labels(SERVER)}}
    preferred = [{"weight": 100, "podAffinityTerm": term}]
    return {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}


def _pods(name: str) -> Object:
    return {"podSelector": {"matchLabels": _labels(name)}}


def _labels(name: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": name}


def _metadata(name: str, options: KubernetesOptions) -> Object:
    return {"name": name, "namespace": options.namespace, "labels": {"app.kubernetes.io/part-of": "assay"}}
