"""Preflight of a Kubernetes cluster: rights, and nodes that fit. Asks; creates nothing."""

from __future__ import annotations

from collections.abc import Callable

from assay.cluster.kubernetes.api import Api
from assay.cluster.kubernetes.manifests import GROUP, PLURAL
from assay.cluster.launcher import LaunchError
from assay.cluster.options import KubernetesOptions
from assay.errors import AssayError
from assay.extras import MissingExtraError
from assay.serving.health import CheckRow, judged

# What the launcher does, as RBAC names it: group, resource, verbs.
STATEFUL_SETS = ("apps", "statefulsets", ("create", "delete"))
GROUPS = (GROUP, PLURAL, ("create", "delete", "list"))
RIGHTS = (
    ("", "services", ("create", "delete", "list")),
    ("", "secrets", ("create", "delete")),
    ("", "pods", ("get", "list", "watch", "delete")),
    ("", "pods/log", ("get",)),
    ("", "pods/exec", ("get", "create")),
    ("", "events", ("list",)),
)


def rights(options: KubernetesOptions) -> list[tuple[str, str, tuple[str, ...]]]:
    """What a deployment with `options` needs in its namespace: API group, resource, verbs."""
    return [GROUPS if options.pods_per_server > 1 else STATEFUL_SETS, *RIGHTS]


async def check_rows(api_of: Callable[[], Api], options: KubernetesOptions) -> list[CheckRow]:
    try:
        api = api_of()
        version = (await api.call(api.version.get_code)).git_version
    except AssayError as error:
        told = isinstance(error, MissingExtraError)
        mend = "" if told else "correct cluster.kubeconfig and cluster.context"
        return [judged("all", "kubernetes", False, 10, str(error), mend, required=True)]
    rows = [judged("all", "kubernetes", True, 10, version, "", required=True)]
    missing = [right for right in _each(options) if not await _allowed(api, options.namespace, *right)]
    detail = "all there" if not missing else "missing: " + ", ".join(f"{verb} {name}" for _, name, verb in missing)
    mend = "ask for the role that `assay export k8s` writes"
    rows.append(judged("all", "rights", not missing, 8, detail, mend, required=True))
    return [*rows, await _nodes(api, options)]


def _each(options: KubernetesOptions) -> list[tuple[str, str, str]]:
    """What a deployment can't do without."""
    listed = [(group, resource, verb) for group, resource, verbs in rights(options) for verb in verbs]
    return [right for right in listed if right[2] != "watch"]  # without it pods are listed again and again


async def _allowed(api: Api, namespace: str, group: str, resource: str, verb: str) -> bool:
    name, _, sub = resource.partition("/")
    asked = {"namespace": namespace, "group": group, "resource": name, "subresource": sub, "verb": verb}
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
              "spec": {"resourceAttributes": asked}}  # fmt: skip
    answer = await api.call(api.access.create_self_subject_access_review, review)
    return bool(answer.status.allowed)


async def _nodes(api: Api, options: KubernetesOptions) -> CheckRow:
    """Whether enough nodes have the labels and accelerators; what runs on them is the scheduler's business."""
    selector = ",".join(f"{key}={value}" for key, value in options.node_selector.items())
    try:
        nodes = (await api.call(api.core.list_node, label_selector=selector)).items
    except LaunchError:
        return judged("all", "nodes", None, 8, "not allowed to list nodes", "")
    fitting = []
    for node in nodes:
        ready = any(item.type == "Ready" and item.status == "True" for item in node.status.conditions or [])
        having = int(node.status.allocatable.get(options.accelerator_resource, "0"))
        if ready and having >= options.accelerators and not node.spec.unschedulable:
            fitting.append(node.metadata.name)
    pods = options.replicas * options.pods_per_server
    wanted = pods if options.spread else 1
    detail = (
        f"{len(fitting)} of {len(nodes)} nodes are ready with {options.accelerators} {options.accelerator_resource}"
    )
    mend = f"{wanted} are needed: lower cluster.replicas or cluster.accelerators, or correct cluster.node_selector"
    return judged("all", "nodes", len(fitting) >= wanted, 8, detail, mend, required=True)
