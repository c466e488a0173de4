"""That an answer of any kind names the loads whose figures the load generator could have shaped."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pytest
from tests.analysed import analysed
from tests.synthetic import Node, Plan, write_campaign

from assay.report.campaign_answer import campaign_answer
from assay.runs import read_record, write_json

PLAN = Plan(samples=60, chunks=False, telemetry=False)
NODES = {"node-a-r0": (Node("node-a"),), "node-b-r0": (Node("node-b"),), "both-r0": (Node("node-a"), Node("node-b"))}


def said(parent: Path, kind: str, doubted: Collection[str]) -> list[str]:
    folder = write_campaign(parent, {key: Plan(**(vars(PLAN) | {"nodes": own})) for key, own in NODES.items()}, kind)
    for key in doubted:
        record = read_record(folder.run(key))
        record.client.client_bound, record.client.reasons = True, ["worker-0 used 99 % of a core"]
        write_json(folder.run(key).record, record)
    return [words for words in campaign_answer(analysed(folder)) if words.startswith("Client-bound: ")]


@pytest.mark.parametrize("kind", ["scaling", "single", "bench"])
def test_every_answer_names_the_loads_that_the_client_could_have_shaped(tmp_path: Path, kind: str) -> None:
    assert not said(tmp_path / "none", kind, [])
    (some,) = said(tmp_path / "one", kind, ["node-b-r0"])
    assert "the figures of node-b; they don't say what the server can do." in some
    (every,) = said(tmp_path / "all", kind, list(NODES))
    assert "could have shaped all of these figures; " in every
