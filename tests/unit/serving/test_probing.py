"""How often a node tells of itself."""

from __future__ import annotations

import pytest

from assay.serving.probing import NODES_A_SECOND, observed, observing


@pytest.mark.parametrize(
    ("nodes", "every_s", "words"),
    [(1, "1.0", "every second;"), (NODES_A_SECOND, "1.0", "every second;"), (1000, "15.625", "every 15.6 s;")],
)
def test_the_lines_of_many_nodes_are_as_many_as_those_of_few(nodes: int, every_s: str, words: str) -> None:
    assert observing([2, 0], nodes) == ["--every", every_s, "--only", "0,2"]
    assert observing(None, nodes) == ["--every", every_s]
    assert words in observed(nodes)
