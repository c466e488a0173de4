"""SSH hosts as a TorchX scheduler, for those who already speak TorchX: `torchx run -s assay_ssh …`.

An app is placed by `SshLauncher` as its servers are: strict host keys, guards, `stop` by label. What was placed is
recorded below ASSAY_TORCHX_FOLDER (~/.cache/assay/torchx), so another process can look and cancel.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Coroutine, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from torchx.schedulers.api import DescribeAppResponse, ListAppResponse, Scheduler, Stream, filter_regex
from torchx.specs.api import AppDef, AppDryRunInfo, AppState, ReplicaStatus, Role, RoleStatus, macros, runopts

from assay.cluster.build import build_launcher
from assay.cluster.launcher import Launcher
from assay.cluster.options import SshOptions
from assay.cluster.ssh import SshLauncher
from assay.deploy.deployment import plain_label
from assay.deploy.state import DeploymentRecord, ServerRecord, read_record, write_record
from assay.errors import UserError
from assay.safe_yaml import read_yaml
from assay.serving.servers import ServerSpec, ServerState

SETTLE_S = 1.0  # an agent tells of ended servers twice a second
T = TypeVar("T")


class SshScheduler(Scheduler):  # type: ignore[misc]
    """The methods that TorchX asks for. Each opens its own connections and closes them."""

    def __init__(self, session_name: str) -> None:
        super().__init__("assay_ssh", session_name)

    def _run_opts(self) -> runopts:
        options = runopts()
        options.add("cluster", type_=str, required=True, help="YAML file with the cluster section (launcher: ssh)")
        return options

    def _submit_dryrun(self, app: AppDef, cfg: Any) -> AppDryRunInfo[dict[str, Any]]:
        options = _read(Path(cfg["cluster"]))
        label = plain_label(f"{app.name}-{uuid.uuid4().hex[:8]}")
        names = [node.name for node in options.nodes]
        specs: list[ServerSpec] = []
        for role in app.roles:
            for number in range(role.num_replicas):
                values = macros.Values(img_root="", app_id=label, replica_id=str(number), rank0_env="RANK0_HOST")
                applied = values.apply(role)
                argv = (applied.entrypoint, *applied.args)
                node = names[len(specs) % len(names)]
                specs.append(ServerSpec(name=f"{role.name}.{number}", node=node, argv=argv, env=applied.env))
        request = {"label": label, "options": options, "specs": specs, "folder": _folder(label)}
        return AppDryRunInfo(request, lambda given: "\n".join(map(str, given["specs"])))

    def schedule(self, dryrun_info: AppDryRunInfo[dict[str, Any]]) -> str:
        request = dryrun_info.request
        label, folder, options = request["label"], request["folder"], request["options"]
        folder.mkdir(parents=True, exist_ok=True)

        async def start() -> None:
            launcher = SshLauncher(options, label, folder)
            try:
                await launcher.prepare(request["specs"])
                await launcher.place()
            except BaseException:
                await launcher.stop()
                raise
            record(launcher)
            await launcher.release()

        def record(launcher: SshLauncher) -> None:
            servers = [ServerRecord.of(server) for server in launcher.servers]
            write_record(folder, DeploymentRecord(label=label, status="up", cluster=options, servers=servers))

        asyncio.run(start())
        return str(label)

    def describe(self, app_id: str) -> DescribeAppResponse | None:
        try:
            record = read_record(_folder(app_id))
        except UserError:
            return None
        states = self._with(app_id, _states)
        roles: dict[str, Role] = {}
        statuses: dict[str, RoleStatus] = {}
        for server in record.servers:
            name, _, number = server.name.rpartition(".")
            roles.setdefault(name, Role(name=name, image="", num_replicas=0)).num_replicas += 1
            replica = ReplicaStatus(id=int(number), role=name, state=states[server.name], hostname=server.node)
            statuses.setdefault(name, RoleStatus(name, [])).replicas.append(replica)
        order = (AppState.FAILED, AppState.RUNNING, AppState.CANCELLED)
        state = next((one for one in order if one in states.values()), AppState.SUCCEEDED)
        return DescribeAppResponse(
            app_id=app_id, roles=list(roles.values()), roles_statuses=list(statuses.values()), state=state
        )

    def _cancel_existing(self, app_id: str) -> None:
        async def stop(launcher: Launcher) -> None:
            await launcher.logs(_folder(app_id) / "logs")
            await launcher.stop()

        self._with(app_id, stop)
        record = read_record(_folder(app_id))
        servers = [server.model_copy(update={"state": ServerState.STOPPED}) for server in record.servers]
        write_record(_folder(app_id), record.model_copy(update={"status": "stopped", "servers": servers}))

    def log_iter(
        self,
        app_id: str,
        role_name: str,
        k: int = 0,
        regex: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        should_tail: bool = False,
        streams: Stream | None = None,
    ) -> Iterable[str]:
        """The whole log so far; it isn't followed, and output and errors are one stream."""
        kept = _folder(app_id) / "logs"
        if read_record(_folder(app_id)).status != "stopped":
            self._with(app_id, lambda launcher: launcher.logs(kept))
        lines = (kept / f"{role_name}.{k}.log").read_text().splitlines(keepends=True)
        return filter_regex(regex, lines) if regex else lines

    def list(self) -> list[ListAppResponse]:
        return []

    def _with(self, app_id: str, work: Any) -> Any:
        """Run `work` with a launcher that knows the recorded servers."""
        record = read_record(_folder(app_id))

        async def connected() -> Any:
            launcher = build_launcher(record.cluster, record.label, _folder(app_id))
            launcher.servers = [server.placed() for server in record.servers]
            try:
                if record.status != "stopped":
                    await launcher.prepare([server.spec for server in launcher.servers])
                return await work(launcher)
            finally:
                await launcher.release()

        return _run(connected())


async def _states(launcher: Launcher) -> dict[str, AppState]:
    await asyncio.sleep(SETTLE_S)
    states = {}
    for server in launcher.servers:
        if server.state is ServerState.STOPPED:
            states[server.spec.name] = AppState.CANCELLED
            continue
        ended = await launcher.exited(server)
        good = ended == "exit code 0"
        states[server.spec.name] = AppState.SUCCEEDED if good else AppState.FAILED if ended else AppState.RUNNING
    return states


def _run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def _folder(app_id: str) -> Path:
    """Where an app is recorded."""
    return Path(os.environ.get("ASSAY_TORCHX_FOLDER", "~/.cache/assay/torchx")).expanduser() / app_id


def _read(path: Path) -> SshOptions:
    given = read_yaml(path.expanduser()).data
    if not isinstance(given, dict):
        raise UserError(f"{path}: expected a cluster's settings, found a {type(given).__name__}")
    options = SshOptions.model_validate(given.get("cluster", given))
    return options.model_copy(update={"nodes_per_server": 1})  # an app says itself what it runs on how many nodes


def create_scheduler(session_name: str, **_: object) -> SshScheduler:
    """What the entry point `torchx.schedulers` names."""
    return SshScheduler(session_name)
