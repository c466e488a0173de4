"""What a pod's state means for the user: one message, with a mend."""

from __future__ import annotations

from typing import Any

from assay.serving.exits import explain_exit

IMAGE = "check cluster.image, its registry and cluster.image_pull_secrets"
LOG = "its log tells why; check engine and cluster.image"
ROOM = (
    "lower cluster.replicas, cluster.accelerators or cluster.memory, or correct cluster.node_selector and "
    "cluster.tolerations"
)
WAITING = {
    "ErrImagePull": f"its image can't be pulled: {IMAGE}",
    "ImagePullBackOff": f"its image can't be pulled: {IMAGE}",
    "ErrImageNeverPull": "its image is not on the node, and cluster.image_pull_policy is Never",
    "InvalidImageName": "cluster.image is no image name",
    "CreateContainerConfigError": "its container can't be configured (a Secret or ConfigMap is missing)",
    "CreateContainerError": "its container can't be created",
    "CrashLoopBackOff": f"its container ends again and again: {LOG}",
    "RunContainerError": "its container can't be started (is cluster.python in the image?)",
}


def failure(pod: Any) -> str | None:
    """Why the pod's server will not serve, or does not any more; None while it may."""
    status = pod.status
    if status.phase == "Failed" and status.reason:
        return f"its pod was {status.reason.lower()}: {status.message or 'no message'}"
    for container in status.container_statuses or []:
        state, before = container.state, container.last_state
        ended = state.terminated or (before.terminated if before else None)
        if ended is not None:
            return _ended(ended)
        if state.waiting is not None and state.waiting.reason in WAITING:
            told = f" ({state.waiting.message})" if state.waiting.message else ""
            return f"{WAITING[state.waiting.reason]}: {state.waiting.reason}{told}"
    return None


def _ended(ended: Any) -> str:
    """A container that ended once; Kubernetes starts it again, but what it served is lost."""
    if ended.reason == "OOMKilled":
        return "it ran out of memory (OOMKilled): raise cluster.memory, or let the engine hold less"
    told = f": {ended.message.strip()}" if ended.message else ""
    return f"its container ended: {explain_exit(ended.exit_code)}{told} ({LOG})"


def unready(pod: Any) -> str | None:
    """Why a pod that served is not ready any more. The phase of a pod on a lost node stays Running."""
    condition = _condition(pod, "Ready")
    if condition is None or condition.status == "True":
        return None
    why = condition.message or condition.reason or "no reason given"
    return f"its pod on node {pod.spec.node_name} is not ready any more (is the node lost?): {why}"


def where(pod: Any) -> str:
    """What to ask kubectl for."""
    node = f", node {pod.spec.node_name}" if pod.spec.node_name else ""
    return f"pod {pod.metadata.name}, namespace {pod.metadata.namespace}{node}"


def has_ended(pod: Any) -> bool:
    """Whether all its containers ran and ended, as its node tells.

    Of a container that was gone before its node looked, the node tells that it waits, and that its last one ended
    (reason ContainerStatusUnknown). A lost node tells nothing new: there they still run.
    """
    statuses = pod.status.container_statuses or []
    return bool(statuses) and all(_has_ended(container) for container in statuses)


def _has_ended(container: Any) -> bool:
    if container.state.terminated is not None:
        return True
    before = container.last_state
    return container.state.running is None and before is not None and before.terminated is not None


def is_ready(pod: Any) -> bool:
    condition = _condition(pod, "Ready")
    return condition is not None and condition.status == "True"


def pending(pod: Any) -> str | None:
    """What a pod that has no node, or no running container, waits for."""
    scheduled = _condition(pod, "PodScheduled")
    if scheduled is not None and scheduled.status != "True":
        return f"no node fits (Pending): {scheduled.message or scheduled.reason}: {ROOM}"
    for container in pod.status.container_statuses or []:
        if container.state.waiting is not None:
            return f"its container waits: {container.state.waiting.reason}"
    return None


def _condition(pod: Any, kind: str) -> Any:
    return next((item for item in pod.status.conditions or [] if item.type == kind), None)
