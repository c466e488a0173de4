"""What a pod's state means. The states are the API's own models, filled as a kubelet fills them."""

from __future__ import annotations

import pytest
from kubernetes.client import (
    V1ContainerState,
    V1ContainerStateRunning,
    V1ContainerStateTerminated,
    V1ContainerStateWaiting,
    V1ContainerStatus,
    V1Pod,
    V1PodStatus,
)

from assay.cluster.kubernetes.words import has_ended

RUNS = V1ContainerState(running=V1ContainerStateRunning())
ENDED = V1ContainerState(terminated=V1ContainerStateTerminated(exit_code=137))
WAITS = V1ContainerState(waiting=V1ContainerStateWaiting(reason="ContainerCreating"))


def pod(*states: tuple[V1ContainerState, V1ContainerState | None]) -> V1Pod:
    statuses = [
        V1ContainerStatus(
            name=f"c{number}", image="i", image_id="", ready=False, restart_count=0, state=state, last_state=before
        )
        for number, (state, before) in enumerate(states)
    ]
    return V1Pod(status=V1PodStatus(container_statuses=statuses or None))


@pytest.mark.parametrize(
    ("states", "ended"),
    [
        ([], False),  # not begun, or nothing told yet
        ([(RUNS, None)], False),
        ([(RUNS, ENDED)], False),  # started again
        ([(WAITS, None)], False),  # about to be created
        ([(WAITS, V1ContainerState())], False),
        ([(ENDED, None)], True),
        ([(WAITS, ENDED)], True),  # gone before its node looked: ContainerStatusUnknown
        ([(ENDED, None), (RUNS, None)], False),
    ],
)
def test_whether_all_containers_ended(
    states: list[tuple[V1ContainerState, V1ContainerState | None]], ended: bool
) -> None:
    assert has_ended(pod(*states)) is ended
