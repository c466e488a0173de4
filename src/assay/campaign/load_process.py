"""LoadGen's process as the controller sees it: started, followed, ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping

from assay.load.plan import LoadPlan
from assay.load.unwritable import parse_unwritable
from assay.runs import RunFolder, write_json
from assay.runs.atomic import named
from assay.runs.progress import AnyEvent, parse_event

_STOP_S = 3.0
_LINE_BYTES = 1 << 20

Progress = Callable[[AnyEvent], None]


class TimedOutError(Exception):
    """The run's limit passed."""


async def run_load(plan: LoadPlan, folder: RunFolder, limit_s: float, progress: Progress) -> None:
    """Run one LoadGen test to its end. What it counted is in the journals afterwards, however it ended.

    Raises TimedOutError when `limit_s` passed, OSError where a disk takes no more, here or in the load's processes; on
    cancellation the process is stopped first.
    """
    folder.parts.mkdir(exist_ok=True)
    write_json(folder.plan, plan)
    with folder.driver_log.open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "assay.load.driver",
            str(folder.plan),
            str(os.getpid()),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            env=_environment(os.environ),
            start_new_session=True,  # Ctrl-C reaches the controller alone, which ends the run in order
            limit=_LINE_BYTES,
        )
    try:
        async with asyncio.timeout(limit_s):
            unwritable = await _follow(process, folder, progress)
            await process.wait()
    except TimeoutError:
        raise TimedOutError from None
    finally:
        await asyncio.shield(_end(process))
    if unwritable is not None:
        raise unwritable


def _environment(own: Mapping[str, str]) -> dict[str, str]:
    """The client never goes through a proxy, and one process must not spread over the servers' cores."""
    hidden = {"http_proxy", "https_proxy", "all_proxy"}
    return {k: v for k, v in own.items() if k.lower() not in hidden} | {"OMP_NUM_THREADS": "1"}


async def _follow(process: asyncio.subprocess.Process, folder: RunFolder, progress: Progress) -> OSError | None:
    """Until it says no more; gives what of its files it couldn't write, where it said so."""
    assert process.stdout is not None
    unwritable = None
    with folder.progress.open("ab", buffering=0) as file, folder.driver_log.open("ab", buffering=0) as log:
        async for line in process.stdout:
            try:
                event = parse_event(line)
            except ValueError:
                event = None
            if event is not None:
                with named(folder.progress):
                    file.write(line)
                progress(event)
            elif (error := parse_unwritable(line)) is not None:
                unwritable = error
            else:  # not the driver's own words
                with named(folder.driver_log):
                    log.write(line)
    return unwritable


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask, then insist. The workers end with their parent."""
    if process.returncode is not None:
        return
    for number, patience_s in ((signal.SIGTERM, _STOP_S), (signal.SIGKILL, _STOP_S)):
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), patience_s)
            return


def utc_minus_monotonic_ns() -> int:
    """What to add to a time of this run to get UTC, ns."""
    return time.time_ns() - time.monotonic_ns()
