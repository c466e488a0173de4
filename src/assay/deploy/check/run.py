"""The whole preflight."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assay.cluster.build import build_launcher
from assay.cluster.launcher import LookProgram
from assay.cluster.options import ClusterOptions
from assay.deploy.check.hardware import cluster_rows, node_rows
from assay.deploy.check.software import PROGRAM, alike_row, parse, software_rows
from assay.deploy.deployment import mend as mend_of
from assay.engines import EmbeddedOptions, Engine, EngineOptions, ExternalOptions, VllmOptions, build_engine
from assay.engines.external import ExternalEngine
from assay.serving.client import ControlClient, ControlError
from assay.serving.connection import Reach
from assay.serving.facts import NodeFacts
from assay.serving.health import CheckReport, CheckRow, judged

LABEL = "check"


async def check_cluster(
    engine: EngineOptions,
    cluster: ClusterOptions,
    *,
    extra: Sequence[CheckRow] = (),
    model_sha256: dict[str, str] | None = None,
    deep: bool = False,
    reach: Reach | None = None,
) -> CheckReport:
    """Look at every node of `cluster` for `engine`; changes none.

    `extra` are rows of the caller (the data set, for one). `model_sha256` are the sums that a model's files must
    have, by name relative to its folder; `deep` hashes large files too.
    """
    needs = _Needs(engine, deep)
    rows: list[CheckRow]
    nodes: list[NodeFacts] = []
    if isinstance(engine, ExternalOptions):
        rows = await _external(build_engine(engine), reach or Reach())
    else:
        rows, nodes = await _nodes(cluster, needs)
    rows += cluster_rows(nodes)
    if alike := alike_row(needs.seen, model_sha256):
        rows.append(alike)
    return CheckReport(rows=[*rows, *extra], nodes=nodes)


class _Needs:
    """What the engine needs on a node, and what was seen of it."""

    def __init__(self, engine: EngineOptions, deep: bool) -> None:
        vllm = isinstance(engine, VllmOptions)
        embedded = isinstance(engine, EmbeddedOptions)
        self.module = "vllm" if vllm else "openvino_genai" if embedded else "assay"
        # A name that is no path is fetched by the engine itself.
        path = engine.model if isinstance(engine, VllmOptions) else ""
        self.folder = path if path.startswith("/") else ""
        python = engine.python if isinstance(engine, VllmOptions) else None
        self.program = LookProgram(PROGRAM, (self.module, self.folder, "deep" if deep else "quick"), python)
        self.seen: dict[str, dict[str, Any]] = {}

    def rows(self, node: str, output: str) -> list[CheckRow]:
        self.seen[node] = parse(output)
        return software_rows(node, self.seen[node], self.module, self.folder)


async def _external(engine: Engine, reach: Reach) -> list[CheckRow]:
    assert isinstance(engine, ExternalEngine)
    rows = []
    for endpoint in engine.endpoints:
        connection = engine.connection(endpoint.name, endpoint.url, reach)
        client = ControlClient(connection)
        try:
            if not engine.check_model:
                answer = await client.get("/health")
                detail = f"{answer.what} answers {answer.status}; its models were not asked for (check_model: false)"
                rows.append(judged(endpoint.name, "reachable", True, 10, detail, "", required=True))
                continue
            models = await client.models()
        except ControlError as error:
            mend = mend_of(error).strip(" ;:") or "start it, or correct its url"
            rows.append(judged(endpoint.name, "reachable", False, 10, str(error), mend, required=True))
            continue
        detail = "; ".join([f"{endpoint.url} answers", *connection.remarks()])
        rows.append(judged(endpoint.name, "reachable", True, 10, detail, "", required=True))
        serves = f"serves {', '.join(models) or 'nothing'}"
        mend = "make engine.model the name that is served"
        rows.append(judged(endpoint.name, "model", engine.model in models, 8, serves, mend, required=True))
    return rows


async def _nodes(cluster: ClusterOptions, needs: _Needs) -> tuple[list[CheckRow], list[NodeFacts]]:
    """What a scheduler or daemon says of itself; and where nodes can be entered, what is seen there."""
    with tempfile.TemporaryDirectory(prefix="assay-check-") as folder:
        launcher = build_launcher(cluster, LABEL, Path(folder))
        try:
            rows = await launcher.check()
            looks = await launcher.look(needs.program)
        finally:
            await launcher.release()
    nodes = []
    for look in looks:
        name = look.node.name
        rows += look.rows
        if look.facts is not None:
            nodes.append(look.facts)
            rows += node_rows(look.facts, look.node)
        if look.output is not None:
            rows += needs.rows(name, look.output)
        elif look.problem:
            mend = "correct engine.python or cluster.python; if it stays, run by hand what the message names"
            rows.append(judged(name, "engine", False, 8, look.problem, mend, required=True))
    return rows, nodes
