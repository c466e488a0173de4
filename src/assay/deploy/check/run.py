"""The whole preflight."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

from assay.cluster.build import build_launcher
from assay.cluster.launcher import Look, LookProgram
from assay.cluster.options import ClusterOptions
from assay.cluster.together import together
from assay.deploy.check.hardware import cluster_rows, node_rows
from assay.deploy.check.software import PROGRAM, alike_row, parse, software_rows
from assay.deploy.deployment import mend as mend_of
from assay.deploy.specs import server_specs
from assay.engines import Engine, EngineOptions, build_engine
from assay.errors import UserError
from assay.scratch import scratch_folder
from assay.serving.client import ControlClient, ControlError
from assay.serving.connection import Reach
from assay.serving.health import CheckReport, CheckRow, judged
from assay.serving.servers import RunningServer

LABEL = "check"


async def check_cluster(
    engine: EngineOptions,
    cluster: ClusterOptions,
    *,
    model_sha256: dict[str, str] | None = None,
    deep: bool = False,
    reach: Reach | None = None,
) -> CheckReport:
    """Look at every node of `cluster` for `engine`; changes none.

    `model_sha256` are the sums that a model's files must have, by name relative to its folder; `deep` hashes large
    files too.
    """
    built = build_engine(engine)
    needs = built.needs()
    if needs is None:
        return CheckReport(rows=await _running(built, reach or Reach()))
    program = LookProgram(PROGRAM, (needs.package, needs.model_folder, "deep" if deep else "quick"), needs.python)
    rows, looks = await _enter(cluster, program)
    if not looks:
        rows.append(judged("all", "engine", None, 8, "not tried: nodes are entered only once a job runs on them", ""))
    rows += _servers(built, cluster)
    seen: dict[str, dict[str, Any]] = {}
    for look in looks:
        name = look.node.name
        rows += look.rows
        if look.facts is not None:
            rows += node_rows(look.facts, look.node)
        if look.output is not None:
            seen[name] = parse(look.output)
            rows += software_rows(name, seen[name], needs, over_ssh=cluster.launcher == "ssh")
        elif look.problem:
            mend = "correct engine.python or cluster.python; if it stays, run by hand what the message names"
            rows.append(judged(name, "engine", False, 8, look.problem, mend, required=True))
    nodes = [look.facts for look in looks if look.facts is not None]
    rows += cluster_rows(nodes)
    if alike := alike_row(seen, model_sha256):
        rows.append(alike)
    return CheckReport(rows=rows, nodes=nodes)


async def _running(engine: Engine, reach: Reach) -> list[CheckRow]:
    """Servers that run already: whether they answer and serve the model."""
    rows = await together(engine.endpoints(), partial(_running_one, engine, reach))
    return [row for own in rows for row in own]


async def _running_one(engine: Engine, reach: Reach, endpoint: RunningServer) -> list[CheckRow]:
    connection = engine.connection(endpoint.name, endpoint.url, reach)
    try:
        client, remarks = ControlClient(connection), connection.remarks()
    except UserError as error:  # a variable that isn't set, certificates that can't be read
        return [judged(endpoint.name, "connection", False, 8, "can't be made", str(error), required=True)]
    try:
        if not endpoint.check_model:
            answer = await client.get("/health")
            detail = f"{answer.what} answers {answer.status}; its models were not asked for (check_model: false)"
            return [judged(endpoint.name, "reachable", True, 10, detail, "", required=True)]
        models = await client.models()
    except ControlError as error:
        mend = mend_of(error).strip(" ;:") or "start it, or correct its url"
        return [judged(endpoint.name, "reachable", False, 10, str(error), mend, required=True)]
    detail = "; ".join([f"{endpoint.url} answers", *remarks])
    serves = f"serves {', '.join(models) or 'nothing'}"
    mend = "make engine.model the name that is served"
    return [
        judged(endpoint.name, "reachable", True, 10, detail, "", required=True),
        judged(endpoint.name, "model", engine.model in models, 8, serves, mend, required=True),
    ]


def _servers(engine: Engine, cluster: ClusterOptions) -> list[CheckRow]:
    """Whether the nodes suit the engine, and whether what is to be handed on to its servers is there."""
    try:
        specs = server_specs(engine, cluster)
    except UserError as error:
        return [judged("all", "servers", False, 5, "don't fit the nodes", str(error), required=True)]
    names = ", ".join(spec.name for spec in specs)
    rows = [judged("all", "servers", True, 5, f"{len(specs)} to start: {names}", "", required=True)]
    secret = list(dict.fromkeys(name for spec in specs for name in spec.secret_env))
    if secret:
        missing = [name for name in secret if name not in os.environ]
        told = f"not set here: {', '.join(missing)}" if missing else f"set here: {', '.join(secret)}"
        rows.append(
            judged("all", "pass_env", not missing, 3, told, "export it, or correct engine.pass_env", required=True)
        )
    return rows


async def _enter(cluster: ClusterOptions, program: LookProgram) -> tuple[list[CheckRow], list[Look]]:
    """What a scheduler or daemon says of itself; and where nodes can be entered, what is seen there."""
    with scratch_folder() as folder:
        launcher = build_launcher(cluster, LABEL, folder)
        try:
            return await launcher.check(), await launcher.look(program)
        finally:
            await launcher.release()
