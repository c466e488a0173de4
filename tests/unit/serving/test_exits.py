"""How servers that are gone are told: the cause in words."""

from __future__ import annotations

import signal

import pytest

from assay.serving.exits import explain_exit, lost_words


@pytest.mark.parametrize(
    ("lost", "words"),
    [
        ({"a": explain_exit(1)}, "server a ended by itself (exit code 1)"),
        (
            {"a": explain_exit(-signal.SIGKILL)},
            "server a was killed by SIGKILL (was the machine out of memory?)",
        ),
        ({"a": "node n: the SSH link is lost"}, "server a is lost: node n: the SSH link is lost"),
        (
            {"a": explain_exit(2), "b": explain_exit(128 + signal.SIGTERM), "c": explain_exit(2)},
            "servers a, c ended by themselves (exit code 2); server b was killed by SIGTERM",
        ),
        (
            {f"e{number}": "its pod is gone" for number in range(2000)},
            "servers e0, e1, e2, e3 and 1,996 more are lost: its pod is gone",
        ),
    ],
)
def test_the_cause_is_told_in_words(lost: dict[str, str], words: str) -> None:
    assert lost_words(lost) == words
