"""The line under a title says what hardware there was."""

from __future__ import annotations

import pytest

from assay.report.machines import NOT_RECORDED, hardware_words, nodes_of
from assay.runs.record import EndpointFacts

SMALL = {"name": "a", "cpu_count": 8, "memory_total_bytes": 16 << 30, "accelerators": []}
LARGE = {"name": "b", "cpu_count": 96, "memory_total_bytes": 1 << 40}


def on(boot_id: str, name: str) -> dict[str, object]:
    return {**SMALL, "name": name, "boot_id": boot_id}


def endpoint(*cards: str) -> EndpointFacts:
    return EndpointFacts(
        name="a-0", url="http://a", node="a", accelerators=list(cards), engine="vllm", model="m", window=8
    )


@pytest.mark.parametrize(
    ("cards", "nodes", "words"),
    [
        ((), [SMALL], "CPU only, a node of 8 cores and 16 GiB"),
        ((), [SMALL, {**SMALL, "name": "b"}], "CPU only, each node of 8 cores and 16 GiB"),
        (("H100", "H100"), [LARGE], "2 accelerators (H100), a node of 96 cores and 1,024 GiB"),
        (("H100",), [SMALL, LARGE], "1 accelerator (H100), 1 node of 8 cores and 16 GiB, 1 node of 96 cores"),
        ((), [{"accelerators": [{"name": "H100"}] * 8}], "8 \N{MULTIPLICATION SIGN} H100 that no endpoint"),
        (("H100",), [], "1 accelerator (H100)"),
        ((), [], NOT_RECORDED),
        ((), [on("1", "a"), on("1", "b")], "CPU only, each node of 8 cores and 16 GiB, all on one machine"),
        ((), [on("1", "a"), on("1", "b"), on("2", "c")], "CPU only, each node of 8 cores and 16 GiB, on 2 machines"),
    ],
)  # fmt: skip
def test_hardware_in_words(cards: tuple[str, ...], nodes: list[dict[str, object]], words: str) -> None:
    assert hardware_words([endpoint(*cards)], nodes).startswith(words)


def test_a_node_is_as_the_last_run_has_it() -> None:
    later = {**SMALL, "cpu_count": 4}
    assert nodes_of([{"nodes": [SMALL, LARGE]}, {}, {"nodes": [later]}]) == [later, LARGE]


def test_nodes_of_their_own_or_of_unknown_machines_are_not_said_to_share_one() -> None:
    for nodes in ([on("1", "a"), on("2", "b")], [on("1", "a"), on("", "b")], [on("1", "a")]):
        assert "machine" not in hardware_words([endpoint()], nodes)
