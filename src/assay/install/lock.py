"""The locked packages that Assay needs somewhere: versions and hashes, from the lock that its tests run with.

The lock is what `make lock` writes (uv's form of pip's requirements): a line a package with its marker, a line a hash,
and in comments (`# via`) which packages need it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import NormalizedName, canonicalize_name

from assay.errors import UserError
from assay.install.target import Target
from assay.plain_files import plain

_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_PACKAGED = Path(__file__).with_name("dev.lock")
_IN_SOURCES = Path(__file__).parents[3] / "requirements" / "dev.lock"


@dataclass(frozen=True)
class Locked:
    """One package of the lock."""

    requirement: Requirement
    hashes: list[str] = field(default_factory=list)
    """SHA-256 of its files, of every platform."""
    needed_by: list[str] = field(default_factory=list)

    @property
    def name(self) -> NormalizedName:
        return canonicalize_name(self.requirement.name)

    @property
    def line(self) -> str:
        """For pip: the version and every hash; the marker is decided by then."""
        hashes = " ".join(f"--hash=sha256:{digest}" for digest in self.hashes)
        return f"{self.requirement.name}{self.requirement.specifier} {hashes}"


def lock_file() -> Path:
    """Where the lock is: in the package where that was installed, else in the sources that it runs from."""
    return _PACKAGED if _PACKAGED.is_file() else _IN_SOURCES


def read_lock(path: Path) -> list[Locked]:
    """All packages of a lock. Raises UserError where it can't be read."""
    try:
        lines = plain(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: the locked packages can't be read: {error}") from None
    packages: list[Locked] = []
    for number, line in enumerate(lines, 1):
        found = _HASH.search(line)
        if line[:1].isalnum():
            packages.append(Locked(_requirement(line, f"{path}:{number}"), _HASH.findall(line)))
        elif packages and found:
            packages[-1].hashes.append(found[1])
        elif packages and line.startswith("    #"):
            packages[-1].needed_by.extend(line.replace("# via", "#").strip(" #").split(" ")[:1])
    return packages


def _requirement(line: str, where: str) -> Requirement:
    try:
        requirement = Requirement(line.partition(" --hash")[0].rstrip("\\ "))
    except InvalidRequirement:
        raise UserError(f"{where}: {line!r} is no locked package, such as numpy==2.4.6 with its hashes") from None
    return requirement


def read_engine_lock(path: Path, target: Target) -> list[Locked]:
    """All packages of a lock that are for `target`. Raises UserError where one has no hash or no version."""
    packages = [each for each in read_lock(path) if _holds(each.requirement, (), target)]
    for each in packages:
        if not each.hashes or not str(each.requirement.specifier).startswith("=="):
            raise UserError(
                f"{path}: {each.requirement.name} has no hash or no version: lock it with "
                "`uv pip compile --generate-hashes` or `pip-compile --generate-hashes`"
            )
    if not packages:
        raise UserError(f"{path}: no package in it is for {target}")
    return packages


def chosen(
    packages: Iterable[Locked], requirements: Iterable[str], extras: Collection[str], target: Target
) -> list[Locked]:
    """What `requirements` (of Assay's metadata) and all that they need in turn are locked to for `target`, by name.

    Raises UserError where something isn't locked.
    """
    fitting = [each for each in packages if _holds(each.requirement, (), target)]
    locked = {each.name: each for each in fitting}
    needs: dict[str, set[NormalizedName]] = defaultdict(set)
    for each in fitting:
        for parent in each.needed_by:
            needs[canonicalize_name(parent)].add(each.name)
    parsed = [Requirement(text) for text in requirements]
    wanted = {canonicalize_name(each.name) for each in parsed if _holds(each, extras, target)}
    if missing := sorted(wanted - locked.keys()):
        raise UserError(
            f"{', '.join(missing)}: not in the lock, so a bundle can't hold what needs it: leave that extra out"
        )
    found: set[NormalizedName] = set()
    while wanted:
        found |= wanted
        wanted = {child for name in wanted for child in needs[name]} - found
    return [locked[name] for name in sorted(found)]


def _holds(requirement: Requirement, extras: Collection[str], target: Target) -> bool:
    """Whether its marker is true there, for one of `extras` or without any."""
    if requirement.marker is None:
        return True
    return any(requirement.marker.evaluate({**target.environment, "extra": extra}) for extra in ("", *extras))
