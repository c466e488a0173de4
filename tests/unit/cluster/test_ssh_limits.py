"""Open files for many connections, asked of a limit that a test can change without harm."""

from __future__ import annotations

import resource

import pytest

from assay.cluster.ssh.limits import BESIDES, require_files
from assay.errors import UserError


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The limits, soft and hard: first those that are found, then those that are set."""
    seen = [(1024, 4096)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: seen[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, limit: seen.append(limit))
    return seen


def test_a_limit_that_suffices_is_left_alone(limits: list[tuple[int, int]]) -> None:
    require_files(1024 - BESIDES, "4 nodes")
    assert limits == [(1024, 4096)]


def test_the_soft_limit_is_raised_to_what_is_needed(limits: list[tuple[int, int]]) -> None:
    require_files(2000, "1000 nodes")
    assert limits[1:] == [(2000 + BESIDES, 4096)]


def test_a_hard_limit_is_told_with_what_is_needed(limits: list[tuple[int, int]]) -> None:
    with pytest.raises(UserError) as raised:
        require_files(4000, "2000 servers on 2000 nodes over SSH")
    assert str(raised.value).startswith(
        f"2000 servers on 2000 nodes over SSH take {4000 + BESIDES} open files, and this process may have 4096: "
    )
    assert limits == [(1024, 4096)]


def test_no_limit_is_no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, resource.RLIM_INFINITY))
    set_to: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda _, limit: set_to.append(limit))
    require_files(100_000, "many")
    assert set_to == [(100_000 + BESIDES, resource.RLIM_INFINITY)]
