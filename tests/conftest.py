"""How tests are spread over processes: a file stays together, and all that share the rig's hosts stay together."""

from __future__ import annotations

import pytest

RIG = {"ssh", "slurm", "docker", "kubernetes", "torchx"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        shares_rig = RIG & {mark.name for mark in item.iter_markers()}
        item.add_marker(pytest.mark.xdist_group("rig" if shares_rig else str(item.path)))
