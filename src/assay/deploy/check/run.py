"""The whole preflight."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assay.cluster.build import build_launcher
from assay.cluster.options import ClusterOptions, LocalOptions, SshNode, SshOptions, nodes_of
from assay.deploy.check.hardware import cluster_rows, node_rows
from assay.deploy.check.software import PROGRAM, alike_row, parse, software_rows
from assay.engines import EmbeddedOptions, Engine, EngineOptions, ExternalOptions, VllmOptions, build_engine
from assay.engines.base import served_models
from assay.engines.external import ExternalEngine
from assay.errors import AssayError
from assay.serving.facts import NodeFacts
from assay.serving.health import CheckReport, CheckRow, judged
from assay.serving.probing import parse_probe, probe_here, probe_source

LABEL = "check"


async def check_cluster(
    engine: EngineOptions,
    cluster: ClusterOptions,
    *,
    extra: Sequence[CheckRow] = (),
    model_sha256: dict[str, str] | None = None,
    deep: bool = False,
) -> CheckReport:
    """Look at every node of `cluster` for `engine`; changes none.

    `extra` are rows of the caller (the data set, for one). `model_sha256` are the sums that a model's files must
    have, by name relative to its folder; `deep` hashes large files too.
    """
    needs = _Needs(engine, deep)
    rows: list[CheckRow]
    nodes: list[NodeFacts] = []
    if isinstance(engine, ExternalOptions):
        rows = await _external(build_engine(engine))
    elif isinstance(cluster, LocalOptions):
        rows, nodes = await asyncio.to_thread(_local, cluster, needs)
    elif isinstance(cluster, SshOptions):
        results = await asyncio.gather(*(_ssh(node, cluster, needs) for node in cluster.nodes))
        rows = [row for result in results for row in result[0]]
        nodes = [result[1] for result in results if result[1] is not None]
    else:
        rows = await _control_plane(cluster)
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
        self.python = engine.python if isinstance(engine, VllmOptions) else None
        self.arguments = [self.module, self.folder, "deep" if deep else "quick"]
        self.seen: dict[str, dict[str, Any]] = {}

    def rows(self, node: str, output: str) -> list[CheckRow]:
        self.seen[node] = parse(output)
        return software_rows(node, self.seen[node], self.module, self.folder)


async def _external(engine: Engine) -> list[CheckRow]:
    assert isinstance(engine, ExternalEngine)
    rows = []
    for endpoint in engine.endpoints:
        models = await served_models(endpoint.url, engine.headers())
        detail = f"{endpoint.url} answers" if models is not None else f"{endpoint.url}/v1/models does not answer"
        mend = "start it, or correct its url"
        rows.append(judged(endpoint.name, "reachable", models is not None, 10, detail, mend, required=True))
        if models is not None:
            serves = f"serves {', '.join(models) or 'nothing'}"
            mend = "make engine.model the name that is served"
            rows.append(judged(endpoint.name, "model", engine.model in models, 8, serves, mend, required=True))
    return rows


def _local(cluster: LocalOptions, needs: _Needs) -> tuple[list[CheckRow], list[NodeFacts]]:
    rows, nodes = [], []
    facts = probe_here()
    for options in nodes_of(cluster):
        named = facts.model_copy(update={"name": options.name})
        nodes.append(named)
        rows += node_rows(named, options)
        command = [needs.python or sys.executable, "-", *needs.arguments]
        try:
            done = subprocess.run(
                command, input=PROGRAM, capture_output=True, text=True, timeout=600, check=True, cwd="/"
            )
        except (OSError, subprocess.SubprocessError) as error:
            rows.append(judged(options.name, "engine", False, 8, str(error), "correct engine.python", required=True))
        else:
            rows += needs.rows(options.name, done.stdout)
    return rows, nodes


async def _ssh(node: SshNode, options: SshOptions, needs: _Needs) -> tuple[list[CheckRow], NodeFacts | None]:
    from assay.cluster.ssh import Session
    from assay.deploy.check.network import network_rows

    session = Session(node, options, LABEL)
    try:
        await session.open()
    except AssayError as error:
        mend = "mend this first; nothing else of the node can be seen"
        return [judged(node.name, "reachable", False, 10, str(error), mend, required=True)], None
    rows = [judged(node.name, "reachable", True, 10, f"{session.peer}, host key verified", "", required=True)]
    try:
        probed = await session.ask("run", program=probe_source(), arguments=[])
        facts = parse_probe(probed["output"].encode(), node.name).model_copy(update={"address": session.peer})
        rows += node_rows(facts, node)
        looked = await session.ask("run", program=PROGRAM, arguments=needs.arguments, python=needs.python)
        rows += needs.rows(node.name, looked["output"])
        if not options.tunnel:
            rows += await network_rows(session)
    except AssayError as error:
        mend = "try again; if it stays, run the command that it names by hand"
        rows.append(judged(node.name, "answers", False, 5, str(error), mend, required=True))
        return rows, None
    finally:
        await session.close()
    return rows, facts


async def _control_plane(cluster: ClusterOptions) -> list[CheckRow]:
    """Schedulers and daemons are asked what they say of themselves; their nodes are not entered."""
    with tempfile.TemporaryDirectory(prefix="assay-check-") as folder:
        launcher = build_launcher(cluster, LABEL, Path(folder))
        try:
            return await launcher.check()
        finally:
            await launcher.release()
