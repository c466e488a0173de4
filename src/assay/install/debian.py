"""Installs a bundle's Debian packages, or takes away those that it added. Runs alone: standard library, Python 3.8.

Only root can, and only where this is asked for: they are the machine's, not an installation's. A package that is there
already is left as it is, in whatever version. What is added is noted beside dpkg's own database, before it is added.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
NOTE = Path(os.environ.get("DPKG_ROOT") or "/") / "var/lib/assay/debian.json"
"""Names of the packages that were added, where dpkg's own root is."""
ALONE = ["--yes", "--no-install-recommends", "--no-remove", "--no-upgrade"]
"""For apt-get: what the bundle brings, and nothing else changed."""
NOWHERE = ("", "not-installed")
"""States of a package that taking it away leaves no trace of."""
MOST_WORDS = 1500


class RefusedError(Exception):
    """Nothing can be done; the message says why."""


def add(plan: bool) -> str:
    """What was done, or would be, in words."""
    with tempfile.TemporaryDirectory() as scratch:
        packages = {name_of(path): path for path in copied(Path(scratch))}
        missing = {name: path for name, path in packages.items() if state(name) != "installed"}
        if not missing:
            return f"{' '.join(sorted(packages))}: installed already: nothing was changed"
        if remains := sorted({name for name in missing if state(name) not in NOWHERE} - set(noted())):
            raise RefusedError(f"dpkg has remains of an earlier {' '.join(remains)}: purge or mend them first")
        command = ["apt-get", "install", *ALONE]
        simulated = run([*command, "--simulate", *map(str, missing.values())])
        along = {line.split()[1] for line in simulated.splitlines() if line.startswith("Inst ")} - set(missing)
        if along:
            raise RefusedError(
                f"{' '.join(sorted(along))} would be changed too: bring it along (assay bundle --debian)"
            )
        names = " ".join(sorted(missing))
        if plan:
            return f"would install {names}"
        write_note(sorted({*noted(), *missing}))
        run([*command, *map(str, missing.values())])
        return f"installed {names}"


def copied(scratch: Path) -> list[Path]:
    """The packages, out of reach of whoever owns the bundle, and known to be those that the manifest names."""
    try:
        manifest: dict[str, Any] = json.loads((HERE / "manifest.json").read_bytes())
        for name in manifest["debian"]:
            shutil.copyfile(str(HERE / "debian" / name), str(scratch / Path(name).name))
            if (
                hashlib.sha256((scratch / name).read_bytes()).hexdigest()
                != manifest["files"][f"debian/{name}"]["sha256"]
            ):
                raise RefusedError(
                    f"{HERE}/debian/{name} isn't the file that the manifest names: copy the bundle again"
                )
    except OSError as error:
        raise RefusedError(f"{error.filename}: {error.strerror}: copy the bundle again, and unpack all of it") from None
    except (ValueError, LookupError, TypeError):
        raise RefusedError(f"{HERE}/manifest.json is damaged: copy the bundle again") from None
    return [scratch / name for name in manifest["debian"]]


def name_of(path: Path) -> str:
    return run(["dpkg-deb", "--show", "--showformat", "${Package}", str(path)])


def state(name: str) -> str:
    """In dpkg's words, such as `installed`; empty where it knows of none."""
    command = ["dpkg-query", "--show", "--showformat", "${db:Status-Status}", name]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def remove(plan: bool) -> str:
    """Take away what was added; where another package has come to need it, nothing is."""
    names = [name for name in noted() if state(name) not in NOWHERE]
    if plan:
        return f"would remove {' '.join(names)}" if names else "nothing would be changed"
    if names:
        run(["dpkg", "--purge", *names])
    with contextlib.suppress(OSError):  # not there, or others use the folder
        NOTE.unlink()
        NOTE.parent.rmdir()
    return f"removed {' '.join(names)}" if names else "none was added: nothing was changed"


def noted() -> list[str]:
    try:
        names: list[str] = json.loads(NOTE.read_text())
    except FileNotFoundError:
        return []
    except ValueError:
        raise RefusedError(f"{NOTE} is damaged: remove the packages by hand, and this file") from None
    return names


def write_note(names: list[str]) -> None:
    NOTE.parent.mkdir(parents=True, exist_ok=True)
    new = NOTE.with_name(f".{NOTE.name}")
    new.write_text(json.dumps(names) + "\n")
    new.replace(NOTE)


def run(command: list[str]) -> str:
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise RefusedError(f"{' '.join(command[:2])} failed:\n{(done.stdout + done.stderr)[-MOST_WORDS:].strip()}")
    return done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(prog="install --debian", description="The Debian packages of a bundle, as root.")
    parser.add_argument("--plan", action="store_true", help="change nothing: tell what would be done")
    parser.add_argument("--remove", action="store_true", help="take away those that this added")
    chosen = parser.parse_args()
    try:
        if not shutil.which("apt-get"):
            raise RefusedError("there is no apt-get here: Debian packages are for Debian and what is made from it")
        if os.geteuid() != 0 and not chosen.plan:
            raise RefusedError("packages are installed and removed as root: run it as root, or look with --plan")
        print(remove(chosen.plan) if chosen.remove else add(chosen.plan))
    except (RefusedError, OSError) as error:
        sys.exit(f"install: {error}")


if __name__ == "__main__":
    main()
