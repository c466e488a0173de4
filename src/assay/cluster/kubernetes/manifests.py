"""The objects of a deployment, as the API takes them. Pure: the launcher applies them, `export` writes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assay.cluster.options import KubernetesOptions, ModelVolume
from assay.errors import UserError
from assay.serving.servers import LEADER, LEADER_PORT, NODES, RANK, ServerSpec, fill, filled

RUN_LABEL = "assay/run"
SERVER = "assay-server"
"""The name that the servers' pods of every run have in common."""
POD_NAME_LABEL = "statefulset.kubernetes.io/pod-name"
ALL_ADDRESSES = "0.0.0.0"  # noqa: S104 - of the pod's own network
GRACE_S = 30
# LeaderWorkerSet's API: https://lws.sigs.k8s.io/docs/reference/leaderworkerset.v1/
GROUP, VERSION, PLURAL = "leaderworkerset.x-k8s.io", "v1", "leaderworkersets"
# What it sets in each pod: https://lws.sigs.k8s.io/docs/reference/labels-annotations-and-environment-variables/
GROUPED = {NODES: "$(LWS_GROUP_SIZE)", RANK: "$(LWS_WORKER_INDEX)", LEADER: "$(LWS_LEADER_ADDRESS)"}
LEADER_AT = 29501
"""Each pod has an address of its own, so any port is free."""

Object = dict[str, Any]


def name_of(label: str) -> str:
    """The name of all objects of a run."""
    return f"assay-{label}"


def pod_name(label: str, number: int) -> str:
    """The pod that serves replica `number`."""
    return f"{name_of(label)}-{number}"


def manifests(specs: Sequence[ServerSpec], options: KubernetesOptions, label: str) -> list[Object]:
    """Service and StatefulSet (or LeaderWorkerSet) for `specs`, one a replica.

    Secrets are referred to by name and not part of it. Raises UserError where replicas would differ.
    """
    spec = specs[0]
    if len(specs) != options.replicas:
        raise UserError(
            f"engine: {len(specs)} servers for {options.replicas} pods: a pod holds one server, so make "
            "cluster.accelerators what one server needs and raise cluster.replicas"
        )
    if any(other.argv != spec.argv or other.env != spec.env for other in specs):
        raise UserError("cluster: the pods of a StatefulSet are equal: speeds and faults by node need another launcher")
    workload = _leader_worker_set if options.pods_per_server > 1 else _stateful_set
    return [_service(options, label), workload(spec, options, label)]


def node_port(options: KubernetesOptions, label: str, number: int) -> Object:
    """A NodePort Service of one pod, which only its own node answers."""
    name = pod_name(label, number)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(name, options, label),
        "spec": {
            "type": "NodePort",
            "externalTrafficPolicy": "Local",
            "selector": {POD_NAME_LABEL: name},
            "ports": [{"name": "http", "port": options.port, "targetPort": options.port}],
        },
    }


def _metadata(name: str, options: KubernetesOptions, label: str) -> Object:
    return {"name": name, "namespace": options.namespace, "labels": _labels(label)}


def _labels(label: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": SERVER, RUN_LABEL: label}


def _service(options: KubernetesOptions, label: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(name_of(label), options, label),
        "spec": {
            "clusterIP": "None",
            # LeaderWorkerSet takes this Service for its own, by its name: workers look up a leader that isn't ready
            # yet, because it waits for them.
            "publishNotReadyAddresses": options.pods_per_server > 1,
            "selector": _labels(label),
            "ports": [{"name": "http", "port": options.port}],
        },
    }


def _stateful_set(spec: ServerSpec, options: KubernetesOptions, label: str) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": _metadata(name_of(label), options, label),
        "spec": {
            "serviceName": name_of(label),
            "replicas": options.replicas,
            "podManagementPolicy": "Parallel",
            "selector": {"matchLabels": _labels(label)},
            "template": _template(spec, options, label, _command(spec.argv, options)),
        },
    }


def _leader_worker_set(spec: ServerSpec, options: KubernetesOptions, label: str) -> Object:
    """One model over several pods: the leader serves, the workers lend their accelerators."""
    assert spec.spread is not None
    leader, follower = (_command(argv, options) for argv in (spec.spread.leader, spec.spread.follower))
    worker = _template(spec, options, label, follower)
    worker["spec"]["containers"][0].pop("readinessProbe")
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "LeaderWorkerSet",
        "metadata": _metadata(name_of(label), options, label),
        "spec": {
            "replicas": options.replicas,
            "leaderWorkerTemplate": {
                "size": options.pods_per_server,
                "restartPolicy": "RecreateGroupOnPodRestart",
                "leaderTemplate": _template(spec, options, label, leader),
                "workerTemplate": worker,
            },
        },
    }


def _command(argv: Sequence[str], options: KubernetesOptions) -> list[str]:
    # A dollar sign would begin a variable of Kubernetes.
    argv = [argument.replace("$(", "$$(") for argument in argv]
    argv = filled(argv, {**GROUPED, LEADER_PORT: str(LEADER_AT)})
    return fill(argv, python=options.python, host=ALL_ADDRESSES, port=options.port)


def _template(spec: ServerSpec, options: KubernetesOptions, label: str, command: list[str]) -> Object:
    pod: Object = {
        "terminationGracePeriodSeconds": GRACE_S,
        "automountServiceAccountToken": False,
        "containers": [_container(spec, options, label, command)],
        "volumes": [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": options.shm_size}}],
    }
    if options.node_selector:
        pod["nodeSelector"] = dict(options.node_selector)
    if options.tolerations:
        pod["tolerations"] = [toleration.model_dump(exclude_none=True) for toleration in options.tolerations]
    if options.image_pull_secrets:
        pod["imagePullSecrets"] = [{"name": name} for name in options.image_pull_secrets]
    if options.spread:
        term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": _labels(label)}}
        pod["affinity"] = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    if options.model_volume:
        pod["volumes"].append(model_source(options.model_volume))
    return {"metadata": {"labels": _labels(label)}, "spec": pod}


def model_source(volume: ModelVolume) -> Object:
    """The volume `model` of a pod."""
    claim = {"persistentVolumeClaim": {"claimName": volume.claim, "readOnly": True}}
    folder = {"hostPath": {"path": volume.host_path, "type": "Directory"}}
    return {"name": "model", **(claim if volume.claim else folder)}


def model_mount(volume: ModelVolume) -> Object:
    """Where a container sees that volume."""
    return {"name": "model", "mountPath": volume.mount, "readOnly": True}


def _container(spec: ServerSpec, options: KubernetesOptions, label: str, command: list[str]) -> Object:
    requests: dict[str, str] = {}
    limits: dict[str, str] = {}
    if options.cpu:
        requests["cpu"] = options.cpu
    if options.memory:
        requests["memory"] = limits["memory"] = options.memory
    if options.accelerators:
        requests[options.accelerator_resource] = limits[options.accelerator_resource] = str(options.accelerators)
    mounts: list[Object] = [{"name": "shm", "mountPath": "/dev/shm"}]  # noqa: S108 - the pod's shared memory
    if options.model_volume:
        mounts.append(model_mount(options.model_volume))
    container: Object = {
        "name": "server",
        "image": spec.image or options.image,
        "imagePullPolicy": options.image_pull_policy,
        "command": command,
        "env": [{"name": name, "value": value.replace("$(", "$$(")} for name, value in spec.env.items()],
        "ports": [{"name": "http", "containerPort": options.port}],
        "resources": {"requests": requests, "limits": limits},
        "readinessProbe": {
            "httpGet": {"path": spec.health_path, "port": options.port},
            "periodSeconds": 2,
            "timeoutSeconds": 2,
            "failureThreshold": 3,
        },
        "volumeMounts": mounts,
    }
    if spec.secret_env:
        container["envFrom"] = [{"secretRef": {"name": name_of(label)}}]
    return container
