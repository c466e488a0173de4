"""Putting Assay and a model on nodes: one bundle for each kind of node, and nothing that is there already."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from assay.assets import sha256_of
from assay.cluster import LaunchError
from assay.errors import UserError
from assay.install.bundle import Bundle, BundleContents, model_files_of, read_bundle, write_bundle
from assay.install.link import NodeLink, Sent, Shipment
from assay.install.nodes import NodeRow, Nodes, NodeStatus, NodeView
from assay.install.target import Target
from assay.scratch import scratch_folder

ASKED_AT_ONCE = 100
"""Files that a node is asked for at a time: they are one argument, of 128 KiB at most (Linux, MAX_ARG_STRLEN)."""


@dataclass(frozen=True)
class Wanted:
    """What the nodes shall have."""

    bundle: Path | None = None
    """None: one is made here for each kind of node."""
    extras: tuple[str, ...] = ()
    engine_lock: Path | None = None
    """Locked packages of the engine's own environment."""
    find_links: Path | None = None
    index: bool = False
    """The nodes take packages from their own package index."""
    model: Path | None = None
    model_folder: str = ""
    """Where `model` shall be on the nodes."""


@dataclass(frozen=True)
class _Goods:
    """What is ready to be sent."""

    bundles: Mapping[str, Bundle | UserError]
    """By the node's name."""
    model: Sequence[Shipment]
    model_folder: str
    sent: Sent


async def install(nodes: Nodes, views: Sequence[NodeView], wanted: Wanted, sent: Sent) -> list[NodeRow]:
    """Make each node have what is wanted; of one that has it nothing is changed.

    `sent` is told how sending goes on. Raises UserError where what is wanted can't be had here.
    """
    with scratch_folder() as scratch:
        open_to = [view for view in views if not nodes.refusal(view)]
        # No connection is open meanwhile: pip and hashing may take their time.
        bundles = await asyncio.to_thread(_bundles, wanted, open_to, scratch)
        goods = _Goods(bundles, await asyncio.to_thread(_shipments, wanted), wanted.model_folder, sent)
        return await nodes.each(partial(_place, nodes, goods), views)


def _bundles(wanted: Wanted, views: Sequence[NodeView], scratch: Path) -> dict[str, Bundle | UserError]:
    """For each node one, or why it can have none; for nodes that differ in glibc alone, the oldest one's.

    Raises UserError where none can have one.
    """
    if wanted.bundle is not None:
        given = read_bundle(wanted.bundle)
        return {view.node.name: given for view in views}
    bundles: dict[str, Bundle | UserError] = {}
    for alike in _kinds(views).values():
        try:
            target = min(map(Target.parse, alike.values()), key=lambda each: each.glibc)
            contents = BundleContents(
                target,
                wanted.extras,
                engine_lock=wanted.engine_lock,
                find_links=wanted.find_links,
                index=wanted.index,
            )
            made: Bundle | UserError = write_bundle(contents, scratch / f"{target}.tar")
        except UserError as error:
            made = error
        bundles |= dict.fromkeys(alike, made)
    failed = [made for made in bundles.values() if isinstance(made, UserError)]
    if failed and len(failed) == len(bundles):
        raise failed[0]
    return bundles


def _kinds(views: Sequence[NodeView]) -> dict[tuple[str, str], dict[str, str]]:
    """Targets by the nodes' names, for each kind of node: Python's version and the processor."""
    kinds: dict[tuple[str, str], dict[str, str]] = {}
    for view in views:
        if target := view.seen.target:
            python, system = target.split("-", 1)
            kinds.setdefault((python, system.split("_", 3)[-1]), {})[view.node.name] = target
    return kinds


def _shipments(wanted: Wanted) -> list[Shipment]:
    if wanted.model is None:
        return []
    if not (wanted.model / "config.json").is_file():
        raise UserError(f"{wanted.model}: is no folder of a model (one with a config.json)")
    return [
        Shipment(path, f"{wanted.model_folder}/{name}", path.stat().st_size, sha256_of(path))
        for name, path in model_files_of(wanted.model)
    ]


async def _place(nodes: Nodes, goods: _Goods, view: NodeView) -> NodeRow:
    status, name = view.seen, view.node.name
    bundle = goods.bundles.get(name)
    if isinstance(bundle, UserError):
        raise bundle
    if bundle is None or not _suits(bundle, status):
        wants = bundle.manifest.target if bundle else "CPython on glibc"
        problem = (
            f"the bundle is for {wants}, and {nodes.python} there is Python {status.python} "
            f"({status.target or 'no CPython on glibc'}): name another with --python, or make a bundle for it"
        )
        return NodeRow(name, status.words, problem=problem)
    current = status.mark is not None and status.mark.complete and status.mark.bundle == bundle.identity
    package = _shipment(bundle, status.folder)
    async with nodes.link(view) as link:
        left = await _left(link, [*([] if current else [package]), *goods.model])
        _require_room(name, status, sum(left.values()))
        done = [] if current else [await _package(nodes, link, goods, bundle, package, left.get(package.path))]
        if model := [each for each in goods.model if each.path in left]:
            done.append(await _model(nodes, link, goods, model, sum(left[each.path] for each in model)))
    return NodeRow(name, status.words, tuple(done))


async def _left(link: NodeLink, shipments: Sequence[Shipment]) -> dict[str, int]:
    """Bytes that are still to be sent, of the files that aren't there as they shall be, by path."""
    left: dict[str, int] = {}
    for start in range(0, len(shipments), ASKED_AT_ONCE):
        some = shipments[start : start + ASKED_AT_ONCE]
        asked = [{"path": each.path, "bytes": each.bytes, "sha256": each.sha256} for each in some]
        there = await link.ask("missing", files=asked)
        left |= {each.path: each.bytes - there[each.path] for each in some if each.path in there}
    return left


async def _package(
    nodes: Nodes, link: NodeLink, goods: _Goods, bundle: Bundle, package: Shipment, left: int | None
) -> str:
    """The bundle, sent (None: it is there whole) and installed: what was done, or would be."""
    if nodes.plan:
        return f"send {_size(left or 0)}, install assay {bundle.manifest.assay} ({bundle.manifest.target})"
    count = 0 if left is None else await link.send(package, goods.sent)
    return f"sent {_size(count)}, {await link.install('--archive', package.path, *nodes.words)}"


async def _model(nodes: Nodes, link: NodeLink, goods: _Goods, model: Sequence[Shipment], left: int) -> str:
    where = f"{len(model)} files of the model into {goods.model_folder}"
    if nodes.plan:
        return f"send {_size(left)}, {where}"
    counts = [await link.send(each, goods.sent) for each in model]
    return f"sent {_size(sum(counts))}, {where}"


def _suits(bundle: Bundle, status: NodeStatus) -> bool:
    if not status.target:
        return False
    wants, has = Target.parse(bundle.manifest.target), Target.parse(status.target)
    return (wants.python, wants.machine) == (has.python, has.machine) and wants.glibc <= has.glibc


def _shipment(bundle: Bundle, folder: str) -> Shipment:
    return Shipment(bundle.path, f"{folder}.incoming/{bundle.sha256}.tar", bundle.bytes, bundle.sha256)


def _require_room(name: str, status: NodeStatus, needed: int) -> None:
    """At least for what is sent: what it takes unpacked isn't known here."""
    if needed > status.free_bytes:
        raise LaunchError(
            f"node {name}: {status.folder} has {_size(status.free_bytes)} free, and {_size(needed)} are to be sent: "
            "free some, or put it elsewhere with cluster.python"
        )


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB"
