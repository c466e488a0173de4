"""Servers on hosts over SSH."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from assay.cluster.launcher import Heard, Launcher, LaunchError, Look, LookProgram
from assay.cluster.local import GRACE_S, GUARD, environment, tail_file
from assay.cluster.options import SshNode, SshOptions
from assay.cluster.ssh.commands import look_over_ssh
from assay.cluster.ssh.limits import require_files
from assay.cluster.ssh.network import network_rows
from assay.cluster.ssh.session import Session
from assay.cluster.together import TOLD, together
from assay.errors import AssayError
from assay.runs.node_facts import NodeFacts
from assay.serving.exits import explain_exit
from assay.serving.health import judged
from assay.serving.probing import observed, observing, parse_probe, probe_source
from assay.serving.servers import (
    LEADER,
    LEADER_PORT,
    NODES,
    PlacedServer,
    ServerSpec,
    ServerState,
    filled,
    parts,
)

CONNECTING = {"direct": 64, "jump": 8}
"""Connections that are made at a time. A node without an answer takes its place for connect_timeout_s; an sshd, such as
a jump host's, drops logins from the eleventh on that is under way (MaxStartups of sshd_config)."""


class SshLauncher(Launcher):
    """A connection a node; servers run below guards and survive a lost link until they are stopped.

    Output streams into `folder/servers` while servers run, so a node that dies leaves its log here.
    """

    def __init__(self, options: SshOptions, label: str, folder: Path, grace_s: float = GRACE_S) -> None:
        super().__init__(label)
        self._options = options
        self._nodes = {node.name: node for node in options.nodes}
        self._groups = options.groups()
        self._grace_s = grace_s
        self._folder = folder / "servers"
        self._sessions: dict[str, Session] = {}
        self._streams: dict[str, Any] = {}
        self._blamed: dict[str, ServerSpec] = {}
        """By server, the part of it that ended first."""
        self._connecting = {way: asyncio.Semaphore(most) for way, most in CONNECTING.items()}

    async def prepare(self, specs: Sequence[ServerSpec]) -> None:
        self.specs = specs
        self._folder.mkdir(parents=True, exist_ok=True)
        placed = [part for spec in specs for part in self._parts(spec)]
        names = list(dict.fromkeys(part.node for part in placed))
        require_files(len(names) + len(placed), f"{len(specs)} servers on {len(names)} nodes over SSH")
        self._sessions = {name: Session(self._nodes[name], self._options, self.label) for name in names}
        await together(self._sessions.values(), self._open, at_once=CONNECTING["direct"], enough=TOLD)

    def _parts(self, spec: ServerSpec) -> list[ServerSpec]:
        return parts(spec, self._groups[spec.node])

    async def _open(self, session: Session) -> None:
        async with self._connecting["jump" if session.node.jump else "direct"]:
            await session.open()

    async def place(self) -> list[PlacedServer]:
        try:
            await together(self.specs, self._place)
        finally:
            order = {spec.name: number for number, spec in enumerate(self.specs)}
            self.servers.sort(key=lambda server: order[server.spec.name])
        return self.servers

    async def _place(self, spec: ServerSpec) -> None:
        leader, *followers = self._parts(spec)
        session = self._sessions[leader.node]
        node = session.node
        bind = "127.0.0.1" if self._options.tunnel else node.bind or session.address
        started_ns = time.monotonic_ns()
        met = await self._met(session, 1 + len(followers)) if followers else {}
        record = await self._start(leader, bind, met)
        server = PlacedServer(spec, "", started_ns=started_ns)
        server.handle = {"pid": str(record["pid"]), "start": str(record["start"]), "port": str(record["port"])}
        self.servers.append(server)
        if self._options.tunnel:
            listener = await session.connection.forward_local_port("127.0.0.1", 0, bind, record["port"])
            server.url, server.path = f"http://127.0.0.1:{listener.get_port()}", "tunnel"
        else:
            host = node.load_address or session.peer
            server.url = f"http://[{host}]:{record['port']}" if ":" in host else f"http://{host}:{record['port']}"
        await self._stream(session, spec.name)
        await together(followers, partial(self._follow, server, met))

    async def _met(self, session: Session, nodes: int) -> dict[str, str]:
        """How the parts of a server find each other: at an address of its leader, and a port that is free there."""
        port = (await session.ask("free_port", host=session.address))["port"]
        return {NODES: str(nodes), LEADER: session.address, LEADER_PORT: str(port)}

    async def _follow(self, server: PlacedServer, met: Mapping[str, str], part: ServerSpec) -> None:
        session = self._sessions[part.node]
        record = await self._start(part, session.address, met)
        server.handle[f"pid on {part.node}"] = str(record["pid"])
        await self._stream(session, part.name)

    async def _start(self, part: ServerSpec, host: str, met: Mapping[str, str]) -> dict[str, Any]:
        session = self._sessions[part.node]
        own = {part.spread.address_env: session.address} if part.spread else {}
        return await session.ask(
            "start",
            guard=GUARD.read_text(),
            grace_s=self._grace_s,
            name=part.name,
            argv=filled(part.argv, met),
            env={**own, **environment(part, {})},
            host=host,
            port=part.port,
        )

    async def _stream(self, session: Session, name: str) -> None:
        """Copy the server's output here as it comes."""
        command = shlex.join(["tail", "-n", "+1", "-F", f"{session.folder}/{name}.log"])
        target = str(self._folder / f"{name}.log")
        self._streams[name] = await session.connection.create_process(command, stdout=target, encoding=None)

    async def exited(self, server: PlacedServer) -> str | None:
        """Also ends the rest of a server over several nodes of which a part ended: it may wait for that for long."""
        own = self._parts(server.spec)
        ends = sorted((end for part in own if (end := self._end_of(part))), key=lambda end: end[0])
        if not ends:
            return None
        gone = [part for _, part, _ in ends]
        self._blamed.setdefault(server.spec.name, gone[0])
        await together([part for part in own if part not in gone], self._end)
        if len(own) > 1:
            return "; ".join(f"its part on {part.node}: {why}" for _, part, why in ends)
        return f"node {own[0].node}: {ends[0][2]}" if self._sessions[own[0].node].lost else ends[0][2]

    def _end_of(self, part: ServerSpec) -> tuple[int, ServerSpec, str] | None:
        """When, CLOCK_MONOTONIC, and why a part ended or can't be reached; None while it runs."""
        session = self._sessions[part.node]
        if session.lost is not None:
            return session.heard_ns, part, session.lost
        ended = session.ended.get(part.name)
        if ended is None:
            return None
        why = "it was killed together with its guard" if ended.code is None else explain_exit(ended.code)
        return ended.heard_ns, part, why

    async def _end(self, part: ServerSpec) -> None:
        with contextlib.suppress(LaunchError):  # its node is lost by now, which `stop` tells
            await self._sessions[part.node].ask("end", name=part.name)

    def silence_ns(self, server: PlacedServer) -> int | None:
        """Of the node that said nothing for the longest, where it is on several."""
        heard_ns = min(self._sessions[part.node].heard_ns for part in self._parts(server.spec))
        return time.monotonic_ns() - heard_ns

    async def observe(self, heard: Heard) -> dict[str, str]:
        """The probe is the agent's child: it ends with the agent, and with `stop` from another session too."""
        told = await together(self._sessions.items(), partial(self._observe, heard))
        return dict(zip(self._sessions, told, strict=True))

    async def _observe(self, heard: Heard, named: tuple[str, Session]) -> str:
        name, session = named
        session.on_activity = partial(heard, name)
        chosen = observing(session.node.accelerators, len(self._sessions))
        try:
            await session.ask("observe", program=probe_source(), arguments=chosen)
        except LaunchError as error:
            return f"not collected: {error}"
        return observed(len(self._sessions))

    async def tail(self, server: PlacedServer, lines: int = 15) -> str:
        """Of a server over several nodes: of the part that ended first, else of its leader."""
        part = self._blamed.get(server.spec.name, server.spec)
        try:
            answer = await self._sessions[part.node].ask("tail", name=part.name, lines=lines)
        except LaunchError:
            return tail_file(self._folder / f"{part.name}.log", lines)
        return str(answer["text"])

    async def logs(self, dest: Path) -> None:
        """Whole logs from nodes that answer; from others, what has streamed in."""
        dest.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - a local folder
        await together(self._by_node().items(), partial(self._logs, dest))

    async def _logs(self, dest: Path, parts_of: tuple[str, list[ServerSpec]]) -> None:
        """Of one node, over one channel: an sshd allows ten (MaxSessions), and each server's output takes one."""
        node, own = parts_of
        names = [f"{part.name}.log" for part in own]
        fetched = await self._fetch(self._sessions.get(node), names, dest)
        for name in names:
            streamed = self._folder / name
            if name not in fetched and streamed.exists():
                (dest / name).write_bytes(streamed.read_bytes())

    async def _fetch(self, session: Session | None, names: Sequence[str], dest: Path) -> set[str]:
        """Which of the node's files came."""
        import asyncssh

        fetched: set[str] = set()
        if session is None or session.lost is not None:
            return fetched
        with contextlib.suppress(OSError, asyncssh.Error):
            async with session.connection.start_sftp_client() as sftp:
                for name in names:
                    with contextlib.suppress(asyncssh.SFTPError):
                        await sftp.get(f"{session.folder}/{name}", str(dest / name))
                        fetched.add(name)
        return fetched

    def _by_node(self) -> dict[str, list[ServerSpec]]:
        """What may run on each node."""
        found: dict[str, list[ServerSpec]] = {}
        for server in self.servers:
            for part in self._parts(server.spec) if server.state is not ServerState.STOPPED else ():
                found.setdefault(part.node, []).append(part)
        return found

    async def stop(self) -> None:
        """Stops on every node that can be reached. Raises LaunchError for the others once that is done.

        A node whose link was lost is tried once more, on a new connection.
        """
        nodes = self._by_node()
        require_files(len(nodes), f"stopping servers on {len(nodes)} nodes over SSH")
        left = set(nodes)
        try:
            # Nodes take their time, at no cost here: all are told at once.
            await together(nodes.items(), partial(self._stop_node, left), at_once=len(nodes))
        finally:
            for server in self.servers:
                if left.isdisjoint(part.node for part in self._parts(server.spec)):
                    server.state = ServerState.STOPPED
            await self.release()

    async def release(self) -> None:
        """Servers go on; what streams in ends."""
        for stream in self._streams.values():
            stream.close()
        self._streams.clear()
        await together(self._sessions.values(), Session.close)
        self._sessions.clear()

    async def _stop_node(self, left: set[str], parts_of: tuple[str, list[ServerSpec]]) -> None:
        name, mine = parts_of
        session = self._sessions.get(name)
        if session is None or session.lost is not None:
            if session is not None:
                await session.close()
            session = self._sessions[name] = Session(self._nodes[name], self._options, self.label)
            try:
                await self._open(session)
            except LaunchError as error:
                count = f"{len(mine)} server{'s' if len(mine) > 1 else ''}"
                raise LaunchError(f"{count} may still run there, stop again once it answers: {error}") from None
        await session.ask("stop", grace_s=self._grace_s)
        left.discard(name)

    async def facts(self) -> list[NodeFacts]:
        return await together(self._sessions.items(), _facts)

    async def look(self, program: LookProgram) -> list[Look]:
        return await together(self._options.nodes, partial(self._look, program))

    async def _look(self, program: LookProgram, node: SshNode) -> Look:
        look, session = Look(node), Session(node, self._options, self.label)
        try:
            await session.open()
        except AssayError as error:
            mend = "mend this first; nothing else of the node can be seen"
            look.rows.append(judged(node.name, "reachable", False, 10, str(error), mend, required=True))
            return look
        seen = f"{session.peer}, host key verified"
        look.rows.append(judged(node.name, "reachable", True, 10, seen, "", required=True))
        try:
            probed = await session.ask("run", program=probe_source(), arguments=[])
            facts = parse_probe(probed["output"].encode(), node.name)
            if not self._options.tunnel:
                look.rows += await network_rows(session)
            look.facts = facts.model_copy(update={"address": session.peer})
            look.output = await self._run(session, program)
        except AssayError as error:
            look.problem = str(error)
        finally:
            await session.close()
        return look

    async def _run(self, session: Session, program: LookProgram) -> str:
        answer = await session.ask("run", program=program.text, arguments=program.arguments, python=program.python)
        return str(answer["output"])

    def monitor(self) -> list[str]:
        return look_over_ssh(self._options)


async def _facts(named: tuple[str, Session]) -> NodeFacts:
    name, session = named
    answer = await session.ask("run", program=probe_source(), arguments=[])
    facts = parse_probe(answer["output"].encode(), name)
    return facts.model_copy(update={"address": session.peer})
