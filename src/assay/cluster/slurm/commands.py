"""Slurm's commands: submit, look, cancel."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Collection
from dataclasses import dataclass

from assay.cluster.launcher import LaunchError
from assay.errors import UserError

TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Job:
    """One job as Slurm tells of it. `exit_code` is code:signal, empty while it runs."""

    id: str
    state: str
    reason: str = ""
    node: str = ""
    exit_code: str = ""


async def run(*argv: str, stdin: bytes | None = None) -> str:
    """A command's output. Raises UserError where Slurm isn't here, LaunchError with its words where it fails."""
    if shutil.which(argv[0]) is None:
        raise UserError(f"{argv[0]} is not on this machine: run assay where Slurm's commands are (a login node)")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=pipe if stdin is not None else asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(stdin), TIMEOUT_S)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise LaunchError(f"{argv[0]} did not answer in {TIMEOUT_S:g} s: is slurmctld up?") from None
    if process.returncode:
        raise LaunchError(f"{argv[0]}: {errors.decode(errors='replace').strip() or output.decode(errors='replace')}")
    return output.decode(errors="replace")


def step_of(job: str, node: str | None = None) -> list[str]:
    """The start of a command line that runs something beside the server of a job, by its SLURM_JOB_ID.

    `node`: on which one, where the job has several.
    """
    where = [] if node is None else ["--nodes=1", f"--nodelist={node}"]
    return ["srun", "--overlap", "--ntasks=1", *where, f"--jobid={job}", "--quiet"]


async def submit(script: str) -> str:
    """The new job's id."""
    return (await run("sbatch", "--parsable", script)).strip().split(";")[0]


async def queue(name: str) -> dict[str, Job]:
    """This user's jobs of that name that wait or run, by id: 12, or 12_3 of an array."""
    listed = await run("squeue", "-h", "-r", f"--name={name}", f"--user={_user()}", "-o", "%i|%T|%N|%r")
    found = {}
    for line in listed.splitlines():
        job, state, node, reason = line.split("|", 3)
        found[job] = Job(job, state, reason, node)
    return found


async def look(job: str) -> Job:
    """A job that may be in the queue no more, from slurmctld's memory, else from accounting where there is one."""
    for ask in (_from_memory, _from_accounting):
        try:
            found = await ask(job)
        except LaunchError:
            continue
        if found is not None:
            return found
    return Job(job, "UNKNOWN", reason="neither squeue, scontrol nor sacct knows it")


async def _from_memory(job: str) -> Job | None:
    fields = {}
    for word in (await run("scontrol", "-o", "show", "job", job)).split():
        key, _, value = word.partition("=")
        fields[key] = value
    if "JobState" not in fields:
        return None
    return Job(
        job, fields["JobState"], fields.get("Reason", ""), fields.get("NodeList", ""), fields.get("ExitCode", "")
    )


async def _from_accounting(job: str) -> Job | None:
    line = (await run("sacct", "-n", "-P", "-X", "-j", job, "-o", "State,ExitCode,NodeList")).strip()
    if not line:
        return None
    state, exit_code, node = line.splitlines()[0].split("|")
    return Job(job, state, "", node, exit_code)


async def node_addresses(nodes: Collection[str]) -> dict[str, str]:
    """The addresses under which Slurm reaches nodes; of one that it doesn't know, the name."""
    found = {node: node for node in nodes}
    for line in (await run("scontrol", "-o", "show", "node", ",".join(nodes))).splitlines():
        fields = dict(word.split("=", 1) for word in line.split() if "=" in word)
        if "NodeName" in fields and "NodeAddr" in fields:
            found[fields["NodeName"]] = fields["NodeAddr"]
    return found


async def cancel(name: str) -> None:
    """Cancel this user's jobs of that name and wait until none is left in the queue."""
    await run("scancel", f"--jobname={name}", f"--user={_user()}")
    for _ in range(240):
        if not await queue(name):
            return
        await asyncio.sleep(0.25)
    raise LaunchError(f"jobs named {name} are still in the queue one minute after scancel: see `squeue --name={name}`")


def _user() -> str:
    import getpass

    return getpass.getuser()
