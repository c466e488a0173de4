"""Servers as Slurm jobs: one each, or arrays of them."""

from __future__ import annotations

import asyncio
import shutil
import signal
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from assay.cluster.launcher import Heard, Launcher, LaunchError
from assay.cluster.local import GUARD, secrets, tail_file
from assay.cluster.options import SlurmOptions
from assay.cluster.probes import ProbeProcess, Probes
from assay.cluster.shared import SharedAnswer
from assay.cluster.slurm import commands
from assay.cluster.slurm.batch import Batch, batches
from assay.cluster.slurm.commands import Job
from assay.cluster.slurm.export import export_files
from assay.cluster.slurm.script import job_name, sbatch_script
from assay.cluster.slurm.words import HOPELESS, RUNNING, WAITING, end_in_words, reason_in_words
from assay.cluster.together import as_one, together
from assay.errors import AssayError, UserError
from assay.runs.node_facts import NodeFacts
from assay.serving.exits import explain_exit
from assay.serving.health import CheckRow, judged
from assay.serving.probing import observed, observing, parse_probe, probe_source
from assay.serving.servers import PlacedServer, ServerSpec, ServerState, part_name, parts

POLL_S = 0.5
SUBMITTING = 8
"""Commands of Slurm that run at a time: each is a process here and a request of slurmctld."""
OBSERVED = 64
"""Nodes whose probes are listened to, of which each takes processes here."""
MARK = "assay-run"
TOLD_TO_END = 128 + signal.SIGTERM
"""A guard's exit code then."""
USABLE = ("idle", "mix", "alloc", "comp")


class SlurmLauncher(Launcher):
    """Scripts, logs, addresses and exit codes go through a folder that nodes and this machine share.

    `place` returns once every job runs. `queued_ns` is from sbatch to the job's first word, seen within POLL_S;
    `ready_ns` counts from sbatch too, so what is left of it is the server's own start.
    """

    def __init__(self, options: SlurmOptions, label: str) -> None:
        super().__init__(label)
        self._options = options
        self._groups = options.groups()
        self._folder = Path(options.folder).expanduser() / label
        self._queue = SharedAnswer(partial(commands.queue, job_name(label)), POLL_S)
        self._logs: dict[str, Path] = {}
        self._probes = Probes()

    async def prepare(self, specs: Sequence[ServerSpec]) -> None:
        self.specs = specs
        await commands.run("sinfo", "--version")
        nodes = [spec.node for spec in specs]
        if self._options.exclusive and len(set(nodes)) != len(nodes):
            raise UserError("cluster.exclusive: true allows one server a node: a second one would wait forever")
        for spec in specs:
            secrets(spec)  # sbatch hands this process's environment on; here only their presence is checked
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / MARK).write_text(self.label)
        except OSError as error:
            raise UserError(f"cluster.folder: can't make {self._folder}: {error.strerror}") from None

    async def place(self) -> list[PlacedServer]:
        (self._folder / "guard.py").write_text(GUARD.read_text())
        try:
            await together(batches(self.specs, self._options), self._submit, at_once=SUBMITTING)
        finally:
            order = {spec.name: number for number, spec in enumerate(self.specs)}
            self.servers.sort(key=lambda server: order[server.spec.name])
        await self._await_starts()
        return self.servers

    async def _submit(self, batch: Batch) -> None:
        script = self._folder / batch.script
        script.write_text(sbatch_script(batch, self._options, self.label, self._folder))
        submitted_ns = time.monotonic_ns()
        job = await commands.submit(str(script))
        for index, (_, spec) in enumerate(batch.servers):
            self._logs[spec.name] = self._folder / batch.log(str(index))
            self.servers.append(PlacedServer(spec, "", {"job": batch.job(job, index)}, started_ns=submitted_ns))

    async def _await_starts(self) -> None:
        """Wait for each job's turn, then for the address that its script writes: one look at all of them a time."""
        waiting, ended = list(self.servers), set[str]()
        while True:
            told = {path.name for path in self._folder.iterdir()}
            started = [server for server in waiting if f"{server.spec.name}.address" in told]
            await self._locate(started)
            waiting = [server for server in waiting if not server.url]
            if not waiting:
                return
            queue = await self._queue.get()
            failures = [error for server in waiting if (error := self._waits_in_vain(server, queue))]
            gone = [server for server in waiting if server.handle["job"] not in queue]
            # A job's last words reach this machine after its end, so one look more is taken for them.
            ends = await together([one for one in gone if one.spec.name in ended], self._not_started)
            if failures := [*failures, *filter(None, ends)]:
                raise as_one(failures, len(self.servers))
            ended = {server.spec.name for server in gone}
            await asyncio.sleep(POLL_S)

    async def _locate(self, started: Sequence[PlacedServer]) -> None:
        """Take what the servers' scripts told."""
        if not started:
            return
        seen_ns = time.monotonic_ns()
        words = {server.spec.name: self._read(server.spec.name, "address").split() for server in started}
        addresses = await commands.node_addresses({node for node, *_ in words.values()})
        for server in started:
            node, port, job, *spread = words[server.spec.name]
            server.queued_ns = seen_ns - server.started_ns
            server.handle.update(node=node, own_job=job)  # which of an array's jobs Slurm may take for all of them
            if spread:
                server.handle["nodes"] = ",".join(spread[1:])
            server.url = f"http://{addresses[node]}:{port}"

    def _waits_in_vain(self, server: PlacedServer, queue: dict[str, Job]) -> LaunchError | None:
        job = queue.get(server.handle["job"])
        if job is None or job.state not in WAITING:
            return None
        waited_s = (time.monotonic_ns() - server.started_ns) / 1e9
        if job.reason not in HOPELESS and waited_s <= self._options.queue_timeout_s:
            return None
        why = reason_in_words(job.reason)
        return LaunchError(f"job {job.id} of server {server.spec.name} waits for its turn: {why}")

    async def _not_started(self, server: PlacedServer) -> LaunchError | None:
        job = await commands.look(server.handle["job"])
        if job.state in RUNNING or job.state in WAITING:
            return None
        end, tail = self._end_of(server, job), await self.tail(server)
        return LaunchError(f"job {job.id} of server {server.spec.name} did not start: {end}\n{tail}".rstrip())

    def _read(self, name: str, kind: str) -> str:
        try:
            return (self._folder / f"{name}.{kind}").read_text().strip()
        except FileNotFoundError:
            return ""

    def _parts(self, server: PlacedServer) -> list[tuple[ServerSpec, str]]:
        """What of it is on each of its nodes, and the node's name in Slurm, as far as it is known."""
        own = parts(server.spec, self._groups.get(server.spec.node, ()))
        nodes = server.handle.get("nodes", "").split(",") if len(own) > 1 else [server.handle.get("node", "")]
        return [(part, nodes[rank] if rank < len(nodes) else "") for rank, part in enumerate(own)]

    def _ends(self, server: PlacedServer) -> dict[int, int]:
        """Exit codes of its parts by rank, in the order of their ends; those that were told to end where all were."""
        files = {rank: self._folder / f"{part.name}.exit" for rank, (part, _) in enumerate(self._parts(server))}
        there = sorted((path.stat().st_mtime_ns, rank) for rank, path in files.items() if path.exists())
        codes = {rank: int(files[rank].read_text()) for _, rank in there}
        return {rank: code for rank, code in codes.items() if code != TOLD_TO_END} or codes

    async def exited(self, server: PlacedServer) -> str | None:
        try:
            queue = await self._queue.get()
        except LaunchError:  # slurmctld rests; the server itself may be well
            return None
        job = queue.get(server.handle["job"]) or await commands.look(server.handle["job"])
        if job.state in RUNNING or job.state in WAITING:
            return None
        return f"job {job.id}: {self._end_of(server, job)}"

    def _end_of(self, server: PlacedServer, job: Job) -> str:
        """In the words of Slurm, then of the guards."""
        own = self._parts(server)
        told = [end_in_words(job.state, job.exit_code)]
        for rank, code in self._ends(server).items():
            part, node = own[rank]
            told.append(f"its part on {node or part.node}: {explain_exit(code)}" if own[1:] else explain_exit(code))
        return "; ".join(told)

    async def waiting_for(self, server: PlacedServer) -> str | None:
        try:
            job = (await self._queue.get()).get(server.handle["job"])
        except LaunchError as error:
            return str(error)
        return reason_in_words(job.reason) if job is not None and job.state in WAITING else None

    async def tail(self, server: PlacedServer, lines: int = 15) -> str:
        """Of a server over several nodes: of the part that ended first, else of its leader."""
        rank = next(iter(self._ends(server)), 0)
        name = server.spec.name
        return tail_file(self._folder / f"{part_name(name, rank)}.log" if rank else self._logs[name], lines)

    async def logs(self, dest: Path) -> None:
        dest.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - a local folder
        for server in self.servers:
            followers = [part.name for part, _ in self._parts(server)[1:]]
            sources = {name: self._folder / f"{name}.log" for name in followers}
            if server.spec.name in self._logs:
                sources[server.spec.name] = self._logs[server.spec.name]
            for name, source in sources.items():
                if source.exists():
                    shutil.copyfile(source, dest / f"{name}.log")

    async def observe(self, heard: Heard) -> dict[str, str]:
        """A step beside the server, with the accelerators that Slurm gave the job; the first job of each node."""
        first = self._first_on_each()
        told = await together(list(first.items())[:OBSERVED], partial(self._observe, heard))
        unseen = f"not collected: a step of Slurm is a process here, so {OBSERVED} nodes are looked at"
        return {**dict.fromkeys(first, unseen), **dict(zip(first, told, strict=False))}

    def _first_on_each(self) -> dict[str, tuple[str, list[str]]]:
        """For each node its name in Slurm, and the start of a command line beside the first server on it."""
        found: dict[str, tuple[str, list[str]]] = {}
        for server in self.servers:
            own = self._parts(server)
            for part, node in own:
                step = commands.step_of(server.handle["own_job"], node if own[1:] else None)
                found.setdefault(part.node, (node, [*step, self._options.python, "-I", "-"]))
        return found

    async def _observe(self, heard: Heard, of_node: tuple[str, tuple[str, list[str]]]) -> str:
        name, (_, step) = of_node
        probe = await ProbeProcess.start(*step, *observing(None, OBSERVED), stdin=probe_source().encode())
        if not await self._probes.listen(probe.lines, partial(heard, name), probe.end):
            return "not collected: the probe's step beside the server tells nothing"
        alone = sum(part.node == name for server in self.servers for part, _ in self._parts(server)) == 1
        return observed(OBSERVED) if alone else f"{observed(OBSERVED)}; accelerators of one job of several"

    async def release(self) -> None:
        await self._probes.end()

    async def stop(self) -> None:
        await self.release()
        if self.servers and all(server.state is ServerState.STOPPED for server in self.servers):
            return
        if self.servers:
            await commands.cancel(job_name(self.label))
        if self._marked():
            shutil.rmtree(self._folder, ignore_errors=True)
        for server in self.servers:
            server.state = ServerState.STOPPED

    def _marked(self) -> bool:
        """Whether the folder is this run's own."""
        try:
            return not self._folder.is_symlink() and (self._folder / MARK).read_text() == self.label
        except OSError:
            return False

    async def facts(self) -> list[NodeFacts]:
        return await together(self._first_on_each().items(), self._facts, at_once=SUBMITTING)

    async def _facts(self, of_node: tuple[str, tuple[str, list[str]]]) -> NodeFacts:
        """The probe, as a step of the job beside the server."""
        name, (node, step) = of_node
        try:
            output = await commands.run(*step, stdin=probe_source().encode())
            return parse_probe(output.encode(), name)
        except AssayError as error:
            return NodeFacts(name=name, hostname=node, problems=[str(error)])

    async def check(self) -> list[CheckRow]:
        try:
            version = (await commands.run("sinfo", "--version")).strip()
            listed = await commands.run("sinfo", "-h", "-N", "-o", "%N|%T|%G|%R")
        except AssayError as error:
            return [judged("all", "slurm", False, 10, str(error), "run assay on a login node", required=True)]
        rows = [judged("all", "slurm", True, 10, version, "", required=True)]
        lines = [line.split("|") for line in listed.splitlines()]
        if self._options.partition:
            there = sorted({line[3] for line in lines})
            detail = f"partitions: {', '.join(there)}"
            found = self._options.partition in there
            rows.append(judged("all", "partition", found, 5, detail, "correct cluster.partition", required=True))
        for node in self._options.nodes if self._options.pin else ():
            rows += self._node_rows(node.name, len(node.accelerators), {line[0]: line for line in lines})
        return rows

    def _node_rows(self, name: str, wanted: int, lines: dict[str, list[str]]) -> list[CheckRow]:
        if name not in lines:
            detail, mend = f"Slurm knows no node {name}", f"use one of {', '.join(sorted(lines))}"
            return [judged(name, "node", False, 10, detail, mend, required=True)]
        _, state, gres, _ = lines[name]
        mend = f"see `scontrol show node {name}` for its reason"
        rows = [judged(name, "node", state.startswith(USABLE), 10, state, mend, required=True)]
        if wanted:
            having = _count(gres, self._options.gres)
            mend = "ask for fewer, or correct cluster.gres"
            rows.append(judged(name, "accelerators", having >= wanted, 8, f"gres {gres}", mend, required=True))
        return rows

    def export(self, specs: Sequence[ServerSpec]) -> dict[str, str]:
        return export_files(specs, self._options, self.label)

    def monitor(self) -> list[str]:
        return ['squeue --me -o "%i %j %T %r %N %M"']


def _count(gres: str, kind: str) -> int:
    """How many of `kind` a node's gres text holds, such as gpu:h100:4(S:0-1),nic:2."""
    total = 0
    for item in gres.split(","):
        words = item.partition("(")[0].split(":")
        if words[0] == kind.partition(":")[0] and words[-1].isdigit():
            total += int(words[-1])
    return total
