"""`deployment.json`: what was started, so that another process can take it down."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from assay.cluster.options import ClusterOptions
from assay.runs import CampaignFolder, Stored, require_model, write_json
from assay.runs.names import PlainName
from assay.serving.servers import PlacedServer, ServerSpec, ServerState

Status = Literal["starting", "up", "stopped", "stop failed"]


class ServerRecord(BaseModel):
    """One server's whereabouts."""

    model_config = ConfigDict(extra="forbid")

    name: PlainName
    node: PlainName
    url: str = Field(pattern=r"^(https?://[^/?#@\s]+)?$", description="empty: it has no address yet")
    path: str
    state: ServerState
    handle: dict[str, str]
    queued_ns: int | None = Field(default=None, description="submission to the job's start; null where nothing queues")
    ready_ns: int | None = Field(default=None, description="start or submission to ready, the wait in a queue included")
    lost: str = Field(default="", description="why it ended by itself or can't be reached")
    silent_ns: int | None = Field(
        default=None, description="its node's last word to the loss being found; null where no link is watched"
    )

    @classmethod
    def of(cls, server: PlacedServer) -> ServerRecord:
        return cls(
            name=server.spec.name,
            node=server.spec.node,
            url=server.url,
            path=server.path,
            state=server.state,
            handle=server.handle,
            queued_ns=server.queued_ns,
            ready_ns=server.ready_ns,
            lost=server.lost,
            silent_ns=server.silent_ns,
        )

    def placed(self) -> PlacedServer:
        """Enough of the server to stop it."""
        spec = ServerSpec(name=self.name, node=self.node, argv=())
        return PlacedServer(
            spec,
            self.url,
            dict(self.handle),
            self.path,
            self.state,
            queued_ns=self.queued_ns,
            ready_ns=self.ready_ns,
            lost=self.lost,
            silent_ns=self.silent_ns,
        )


class DeploymentRecord(Stored):
    """The file."""

    WHAT: ClassVar[str] = "a deployment"
    MEND: ClassVar[str] = "restore it from a copy, or end the servers by hand and remove it"

    version: int = 1
    label: str = Field(
        pattern=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$", description="what carries the deployment's mark"
    )
    status: Status
    controller_pid: int = Field(default_factory=os.getpid)
    cluster: ClusterOptions
    servers: list[ServerRecord] = Field(default_factory=list)
    stop_ns: int | None = Field(default=None, description="how long taking all of it down took, logs fetched included")

    @model_validator(mode="after")
    def _on_its_nodes(self) -> DeploymentRecord:
        known = {node.name for node in self.cluster.node_list()}
        if strangers := [server.node for server in self.servers if server.node not in known]:
            raise ValueError(f"server on {strangers[0]!r}, which is no node of its cluster")
        return self


def write_record(folder: Path, record: DeploymentRecord) -> None:
    write_json(CampaignFolder(folder).deployment, record)


def read_record(folder: Path) -> DeploymentRecord:
    """Raises UserError where there is none or it can't be read."""
    path = CampaignFolder(folder).deployment
    return require_model(path, DeploymentRecord, f"{path}: not found: nothing was deployed from there")
