"""`system.json`: what the run ran on."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from assay.runs.node_facts import NodeFacts
from assay.runs.stored import Stored


class SystemRecord(Stored):
    """Nodes as their probe saw them, and versions."""

    WHAT: ClassVar[str] = "a system record"

    version: int = 1
    controller: NodeFacts = Field(description="the machine that ran LoadGen and the client")
    nodes: list[NodeFacts] = Field(description="the machines of the endpoints")
    versions: dict[str, str] = Field(description="python, assay, mlcommons-loadgen and other packages that matter")
    git: dict[str, str] = Field(default_factory=dict, description="commit and state of the working folder, if in git")
    cpu_ceiling: dict[str, Any] | None = Field(default=None, description="measured limits of the controller's CPU")
    client_calibration: dict[str, float] | None = Field(
        default=None, description="errors of the client against a simulated endpoint's truth, before the first run, ns"
    )
    model_files: dict[str, str] = Field(default_factory=dict, description="sha256 by file name, where known")
