"""What sampling a node costs: CPU time of the probe, as a share of one core, beside a process that only sleeps.

    python benchmarks/sampling.py [--json] [--seconds 30] [--nvml FOLDER]

The probe runs as it does on a node, a line a second, and the sleeper beside it in the same time; start-up is measured
apart. By default the devices are the tests' two fakes (tests/rig/fake_nvml.c), whose calls cost nothing: that is the
cost of Python, /proc and pipes alone. `--nvml ""` takes the machine's own NVML, whose calls cost what its driver takes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from assay.serving.probing import probe_source

ROOT = Path(__file__).parents[1]
SLEEPER = "import time\nprint(flush=True)\nwhile True:\n    time.sleep(1.0)\n"
GOAL = 0.01


def fake_nvml(folder: Path) -> Path:
    """A folder with the stand-in for NVML."""
    source, made = ROOT / "tests" / "rig" / "fake_nvml.c", folder / "libnvidia-ml.so.1"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(made), str(source), "-lm"], check=True)
    return folder


def started(program: str, arguments: list[str], nvml: Path | None) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "LD_LIBRARY_PATH": str(nvml)} if nvml else dict(os.environ)
    process = subprocess.Popen(
        [sys.executable, "-I", "-", *arguments], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    process.stdin.write(program.encode())
    process.stdin.close()
    return process


def cpu_s(process: subprocess.Popen[bytes]) -> float:
    """CPU time of a process so far, user and kernel."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(seconds: float, nvml: Path | None) -> dict[str, Any]:
    """Both processes over the same time."""
    programs = {"probe": (probe_source(), ["--every", "1"]), "sleeper": (SLEEPER, [])}
    processes = {name: started(program, arguments, nvml) for name, (program, arguments) in programs.items()}
    try:
        first = {}
        for name, process in processes.items():
            assert process.stdout is not None
            first[name] = process.stdout.readline()
        startup = {name: cpu_s(process) for name, process in processes.items()}
        begin = time.monotonic()
        time.sleep(seconds)
        wall = time.monotonic() - begin
        used = {name: cpu_s(process) - startup[name] for name, process in processes.items()}
    finally:
        for process in processes.values():
            process.kill()
            process.wait()
    told = json.loads(first["probe"])
    return {
        "seconds": wall,
        "devices": len(told["gpus"]),
        "metrics_a_device": max((len(device) for device in told["gpus"].values()), default=0),
        "startup_cpu_s": startup["probe"],
        "share_of_a_core": (used["probe"] - used["sleeper"]) / wall,
        "goal": GOAL,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--nvml", help="folder of libnvidia-ml.so.1; empty: the system's; default: the tests' fakes")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        if arguments.nvml is None:
            nvml: Path | None = fake_nvml(Path(name))
        else:
            nvml = Path(arguments.nvml) if arguments.nvml else None
        found = measure(arguments.seconds, nvml)
    if arguments.json:
        print(json.dumps(found, indent=2))
        return
    print(
        f"{found['devices']} devices, {found['metrics_a_device']} metrics each: {100 * found['share_of_a_core']:.2f} % "
        f"of a core over {found['seconds']:.0f} s (goal: {100 * GOAL:.0f} %); {found['startup_cpu_s']:.2f} s of CPU to "
        "start"
    )


if __name__ == "__main__":
    main()
