"""The nodes of a cluster over SSH: what is there of Assay, and taking it away."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import PurePosixPath

from pydantic import BaseModel, ConfigDict, ValidationError

from assay.cluster import LaunchError
from assay.cluster.options import SshNode, SshOptions
from assay.cluster.ssh.launcher import CONNECTING
from assay.cluster.together import AT_ONCE, together
from assay.errors import AssayError
from assay.install.link import NodeLink, linked
from assay.install.target import Target

FOLDER = ".local/share/assay"
"""Where Assay goes on a node whose configuration names no interpreter of its own."""


class Mark(BaseModel):
    """What an installation says of itself."""

    model_config = ConfigDict(extra="ignore")

    bundle: str
    assay: str
    complete: bool


class NodeStatus(BaseModel):
    """What `hand` saw of a node."""

    model_config = ConfigDict(extra="forbid")

    python: str
    target: str
    uid: int
    folder: str
    mark: Mark | None
    occupied: bool
    incoming: int
    free_bytes: int

    @property
    def words(self) -> str:
        if self.mark is not None:
            return f"assay {self.mark.assay}" if self.mark.complete else "unfinished"
        return "something else" if self.occupied else "nothing"


@dataclass(frozen=True)
class NodeView:
    """A node before anything is done there: its status, or why it can't be seen."""

    node: SshNode
    status: NodeStatus | None
    problem: str = ""

    @property
    def seen(self) -> NodeStatus:
        assert self.status is not None
        return self.status


@dataclass(frozen=True)
class NodeRow:
    """What was done on a node, or would be."""

    node: str
    before: str
    done: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Nodes:
    """The nodes, and how they are entered."""

    options: SshOptions
    python: str = "python3"
    """The interpreter that is there already."""
    as_root: bool = False
    plan: bool = False
    """Change nothing; tell what would be done."""

    async def each(self, work: Callable[[NodeView], Awaitable[NodeRow]], views: Sequence[NodeView]) -> list[NodeRow]:
        """`work` on many nodes at a time; where one fails, or nothing can be done on it, its row says why."""
        return await together(views, partial(self._one, work), at_once=self._at_once)

    async def _one(self, work: Callable[[NodeView], Awaitable[NodeRow]], view: NodeView) -> NodeRow:
        before = view.status.words if view.status is not None else "not reached"
        if problem := self.refusal(view):
            return NodeRow(view.node.name, before, problem=problem)
        try:
            return await work(view)
        except AssayError as error:
            return NodeRow(view.node.name, before, problem=str(error))

    async def look(self) -> list[NodeView]:
        """Changes nothing."""
        return await together(self.options.nodes, self._look, at_once=self._at_once)

    @property
    def _at_once(self) -> int:
        return min(AT_ONCE, CONNECTING["jump"] if any(node.jump for node in self.options.nodes) else AT_ONCE)

    async def _look(self, node: SshNode) -> NodeView:
        try:
            folder = folder_of(node, self.options)
            async with linked(node, self.options, self.python, folder) as link:
                status = NodeStatus.model_validate(await link.ask("status"))
        except AssayError as error:
            return NodeView(node, None, str(error))
        except ValidationError:
            return NodeView(node, None, f"node {node.name}: {self.python} there answered something else than asked")
        return NodeView(node, status)

    def link(self, view: NodeView) -> AbstractAsyncContextManager[NodeLink]:
        """A new connection to a node that was seen."""
        return linked(view.node, self.options, self.python, view.seen.folder)

    @property
    def words(self) -> list[str]:
        """What the installer is told besides the folder."""
        return ["--as-root"] if self.as_root else []

    def refusal(self, view: NodeView) -> str:
        """Why nothing can be changed on a node; empty where it can."""
        if view.status is None:
            return view.problem
        if view.status.uid == 0 and not self.as_root:
            return "this would be done as root: name another user (cluster.user), or give --as-root"
        if view.status.occupied:
            return (
                f"{view.status.folder} is there and isn't an installation of Assay: name the interpreter that Assay "
                f"shall have with cluster.python, such as {FOLDER}/bin/python"
            )
        return ""


async def target_over_ssh(address: str) -> Target:
    """What a bundle for that host must be for: its python3's. Raises LaunchError or UserError."""
    options = SshOptions(launcher="ssh", nodes=(SshNode(name="node", address=address),))
    (view,) = await Nodes(options).look()
    if view.status is None:
        raise LaunchError(view.problem)
    return Target.parse(view.status.target)


def folder_of(node: SshNode, options: SshOptions) -> str:
    """The environment whose interpreter the configuration names: `<folder>/bin/python`; else FOLDER."""
    python = PurePosixPath(node.python or options.python)
    return str(python.parent.parent) if python.parent.name == "bin" else FOLDER


async def remove(nodes: Nodes, views: Sequence[NodeView]) -> list[NodeRow]:
    """Take Assay away, with the models that were sent; a node without it is left as it is."""
    return await nodes.each(partial(_remove, nodes), views)


async def _remove(nodes: Nodes, view: NodeView) -> NodeRow:
    status = view.seen
    row = NodeRow(view.node.name, status.words)
    if status.mark is None and not status.incoming:
        return row
    if nodes.plan:
        return replace(row, done=(f"remove {status.folder}, and what was sent",))
    async with nodes.link(view) as link:
        return replace(row, done=(await link.install("--remove", *nodes.words),))
