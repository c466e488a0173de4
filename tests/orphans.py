"""A controller that is killed while its servers run, so that they are left behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pydantic import BaseModel

_PROGRAM = """
import asyncio
import sys
from pathlib import Path

from assay.cluster import options
from assay.deploy import Deployment
from assay.engines import SimulatedOptions


async def main(model: str, given: str, label: str, folder: str) -> None:
    cluster = getattr(options, model).model_validate_json(given)
    async with Deployment(SimulatedOptions(kind="simulated"), cluster, label=label, folder=Path(folder)):
        print("up", flush=True)
        await asyncio.sleep(600)


asyncio.run(main(*sys.argv[1:]))
"""


def leave_servers_behind(options: BaseModel, label: str, folder: Path) -> None:
    """Deploy simulated servers from a process of its own, and kill it once they are up."""
    words = [type(options).__name__, options.model_dump_json(), label, str(folder)]
    command = [sys.executable, "-c", _PROGRAM, *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as controller:
        assert controller.stdout is not None
        assert controller.stdout.readline() == b"up\n"
        controller.kill()
