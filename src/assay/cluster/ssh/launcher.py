"""Servers on hosts over SSH."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import time
from collections.abc import Sequence
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
from assay.serving.servers import PlacedServer, ServerSpec, ServerState

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
        self._grace_s = grace_s
        self._folder = folder / "servers"
        self._sessions: dict[str, Session] = {}
        self._streams: dict[str, Any] = {}
        self._connecting = {way: asyncio.Semaphore(most) for way, most in CONNECTING.items()}

    async def prepare(self, specs: Sequence[ServerSpec]) -> None:
        self.specs = specs
        self._folder.mkdir(parents=True, exist_ok=True)
        names = list(dict.fromkeys(spec.node for spec in specs))
        require_files(len(names) + len(specs), f"{len(specs)} servers on {len(names)} nodes over SSH")
        self._sessions = {name: Session(self._nodes[name], self._options, self.label) for name in names}
        await together(self._sessions.values(), self._open, at_once=CONNECTING["direct"], enough=TOLD)

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
        session = self._sessions[spec.node]
        node = session.node
        bind = "127.0.0.1" if self._options.tunnel else node.bind or session.address
        started_ns = time.monotonic_ns()
        record = await session.ask(
            "start",
            guard=GUARD.read_text(),
            grace_s=self._grace_s,
            name=spec.name,
            argv=spec.argv,
            env=environment(spec, {}),
            host=bind,
            port=spec.port,
        )
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

    async def _stream(self, session: Session, name: str) -> None:
        """Copy the server's output here as it comes."""
        command = shlex.join(["tail", "-n", "+1", "-F", f"{session.folder}/{name}.log"])
        target = str(self._folder / f"{name}.log")
        self._streams[name] = await session.connection.create_process(command, stdout=target, encoding=None)

    async def exited(self, server: PlacedServer) -> str | None:
        session = self._sessions[server.spec.node]
        if session.lost is not None:
            return f"node {server.spec.node}: {session.lost}"
        if server.spec.name not in session.ended:
            return None
        code = session.ended[server.spec.name]
        return "it was killed together with its guard" if code is None else explain_exit(code)

    def silence_ns(self, server: PlacedServer) -> int | None:
        return time.monotonic_ns() - self._sessions[server.spec.node].heard_ns

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
        try:
            answer = await self._sessions[server.spec.node].ask("tail", name=server.spec.name, lines=lines)
        except LaunchError:
            return tail_file(self._folder / f"{server.spec.name}.log", lines)
        return str(answer["text"])

    async def logs(self, dest: Path) -> None:
        """Whole logs from nodes that answer; from others, what has streamed in."""
        dest.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - a local folder
        await together(self._by_node().items(), partial(self._logs, dest))

    async def _logs(self, dest: Path, servers_of: tuple[str, list[PlacedServer]]) -> None:
        """Of one node, over one channel: an sshd allows ten (MaxSessions), and each server's output takes one."""
        node, servers = servers_of
        names = [f"{server.spec.name}.log" for server in servers]
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

    def _by_node(self) -> dict[str, list[PlacedServer]]:
        servers: dict[str, list[PlacedServer]] = {}
        for server in self.servers:
            servers.setdefault(server.spec.node, []).append(server)
        return servers

    async def stop(self) -> None:
        """Stops on every node that can be reached. Raises LaunchError for the others once that is done.

        A node whose link was lost is tried once more, on a new connection.
        """
        nodes = self._by_node()
        require_files(len(nodes), f"stopping servers on {len(nodes)} nodes over SSH")
        try:
            # Nodes take their time, at no cost here: all are told at once.
            await together(nodes.items(), self._stop_node, at_once=len(nodes))
        finally:
            await self.release()

    async def release(self) -> None:
        """Servers go on; what streams in ends."""
        for stream in self._streams.values():
            stream.close()
        self._streams.clear()
        await together(self._sessions.values(), Session.close)
        self._sessions.clear()

    async def _stop_node(self, servers_of: tuple[str, list[PlacedServer]]) -> None:
        name, mine = servers_of
        if all(server.state is ServerState.STOPPED for server in mine):
            return
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
        for server in mine:
            server.state = ServerState.STOPPED

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
