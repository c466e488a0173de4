"""A bundle: one tar file that installs Assay on a machine without internet. The same input gives the same bytes.

    assay-<version>-<target>/manifest.json    what is in it (see `manifest`); comes first
                             install.sh installer.py Dockerfile
                             wheels/ engine/ pinned/ models/<name>/ datasets/ debian/ (with debian.py)

`wheels/` and `engine/` are environments: packages, and requirements.txt with a hash of each.

It isn't compressed: wheels and weights are already, and bytes would hang on the version of a library.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from packaging.specifiers import SpecifierSet
from pydantic import ValidationError

from assay.assets import sha256_of
from assay.errors import UserError
from assay.install.lock import Locked, chosen, lock_file, read_engine_lock, read_lock
from assay.install.manifest import NAME, FileFacts, Manifest
from assay.install.own_wheel import OwnWheel, own_wheel
from assay.install.target import Target
from assay.install.wheels import PINNED, PIP, get_wheels
from assay.plain_files import plain
from assay.scratch import scratch_folder

_PROGRAMS = ("install.sh", "installer.py")
_TIME_S = 315532800  # 1980-01-01, for all files
_OF_EMBEDDED = "embedded"


@dataclass(frozen=True)
class BundleContents:
    """What a bundle shall hold."""

    target: Target
    extras: tuple[str, ...] = ()
    models: tuple[Path, ...] = ()
    """Folders with a config.json."""
    datasets: tuple[Path, ...] = ()
    debian: tuple[Path, ...] = ()
    """Debian packages, which are installed only where that is asked for."""
    engine_lock: Path | None = None
    """Locked packages of the engine's own environment, with hashes."""
    find_links: Path | None = None
    """A folder of wheels instead of pip's indexes."""
    index: bool = False
    """Leave out what the machine's own package index has."""


@dataclass(frozen=True)
class Bundle:
    """A bundle that lies in a file."""

    path: Path
    bytes: int
    sha256: str
    manifest: Manifest
    identity: str
    """SHA-256 of the manifest: what is in it, whatever the file."""


def write_bundle(contents: BundleContents, output: Path) -> Bundle:
    """Write it to `output`, whole or not at all. Raises UserError."""
    own = own_wheel()
    _require(contents, own)
    with scratch_folder() as folder:
        files, pinned = _files(contents, own, folder)
        manifest = Manifest(
            assay=own.version,
            target=str(contents.target),
            extras=contents.extras,
            index=contents.index,
            engine=contents.engine_lock is not None,
            models=tuple(path.name for path in contents.models),
            datasets=tuple(path.name for path in contents.datasets),
            debian=tuple(path.name for path in contents.debian),
            pinned=pinned,
            files={name: FileFacts(bytes=path.stat().st_size, sha256=sha256_of(path)) for name, path in files.items()},
        )
        unfinished = output.with_name(f".{output.name}.unfinished")
        try:
            with unfinished.open("wb") as file:
                _write(file, f"assay-{own.version}-{contents.target}", manifest, files)
            unfinished.replace(output)
        except OSError as error:
            raise UserError(f"{error.filename or output}: can't be written: {error.strerror or error}") from None
        finally:
            unfinished.unlink(missing_ok=True)
    return read_bundle(output)


def read_bundle(path: Path) -> Bundle:
    """What a bundle says of itself; its files are checked where they are installed. Raises UserError."""
    try:
        with tarfile.open(plain(path), "r:") as archive:
            first = archive.next()
            file = archive.extractfile(first) if first is not None and first.name.endswith(f"/{NAME}") else None
            data = file.read() if file is not None else b""
        manifest = Manifest.model_validate_json(data)
    except OSError as error:
        raise UserError(f"{path}: can't be read: {error.strerror or error}") from None
    except (tarfile.TarError, ValidationError):
        raise UserError(f"{path}: is no bundle of this version: make one with `assay bundle`") from None
    return Bundle(path, path.stat().st_size, sha256_of(path), manifest, hashlib.sha256(data).hexdigest())


def _require(contents: BundleContents, own: OwnWheel) -> None:
    """What can be wrong before anything is fetched."""
    if unknown := sorted(set(contents.extras) - set(own.extras)):
        known = ", ".join(sorted(own.extras))
        raise UserError(
            f"{', '.join(unknown)}: no extra of Assay, which are {known}; for another engine (vLLM) give --engine-lock"
        )
    if f"3.{contents.target.python}" not in SpecifierSet(own.requires_python):
        raise UserError(f"{contents.target}: Assay needs Python {own.requires_python}")
    for model in contents.models:
        if not (model / "config.json").is_file():
            raise UserError(f"{model}: is no folder of a model (one with a config.json)")
    for dataset in contents.datasets:
        if not dataset.is_file():
            raise UserError(f"{dataset}: there is no such file")
    for package in contents.debian:
        if not _is_debian(package):
            raise UserError(f"{package}: is no Debian package: `apt-get download NAME` gets one, and others it needs")
    for paths in (contents.models, contents.datasets, contents.debian):
        names = [path.name for path in paths]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise UserError(f"{', '.join(twice)}: given twice, and a bundle holds one of a name")


def _is_debian(path: Path) -> bool:
    """An ar archive that begins with a package's version (deb(5))."""
    try:
        with path.open("rb") as file:
            return file.read(21) == b"!<arch>\ndebian-binary"
    except OSError:
        return False


def _files(contents: BundleContents, own: OwnWheel, folder: Path) -> tuple[dict[str, Path], dict[str, str]]:
    """Every file by its path in the bundle, and the pinned wheels by their variable."""
    locked = chosen(read_lock(lock_file()), own.requirements, contents.extras, contents.target)
    (folder / own.file).write_bytes(own.data)
    line = f"{own.name}=={own.version} --hash=sha256:{sha256_of(folder / own.file)}"
    files = {name: Path(__file__).with_name(name) for name in _PROGRAMS}
    files["Dockerfile"] = _dockerfile(contents.target, folder)
    files |= _environment(contents, [PIP], locked, folder / "wheels", [line]) | {
        f"wheels/{own.file}": folder / own.file
    }
    if contents.engine_lock is not None:
        engine = read_engine_lock(contents.engine_lock, contents.target)
        files |= _environment(contents, [], engine, folder / "engine", [])
    pinned = {}
    if _OF_EMBEDDED in contents.extras:
        wheels = get_wheels(list(PINNED.values()), contents.target, contents.find_links, folder / "pinned")
        pinned = {variable: f"pinned/{wheels[each.name].name}" for variable, each in PINNED.items()}
        files |= {f"pinned/{path.name}": path for path in wheels.values()}
    for model in contents.models:
        files |= {f"models/{model.name}/{name}": path for name, path in model_files_of(model)}
    files |= {f"datasets/{path.name}": path for path in contents.datasets}
    if contents.debian:
        files["debian.py"] = Path(__file__).with_name("debian.py")
        files |= {f"debian/{path.name}": path for path in contents.debian}
    return dict(sorted(files.items())), pinned


def _dockerfile(target: Target, folder: Path) -> Path:
    """Of an image with this bundle, on Docker's own image of the target's Python."""
    path = folder / "Dockerfile"
    text = Path(__file__).with_name("Dockerfile").read_text(encoding="utf-8")
    path.write_text(text.replace("@PYTHON@", f"3.{target.python}"), encoding="utf-8")
    return path


def _environment(
    contents: BundleContents, always: Sequence[Locked], packages: Sequence[Locked], folder: Path, lines: Sequence[str]
) -> dict[str, Path]:
    """The wheels of an environment and their requirements.txt, which `lines` begin.

    Where the machine's own index has the packages only `always` come along.
    """
    own = always if contents.index else [*always, *packages]
    got = get_wheels(own, contents.target, contents.find_links, folder)
    text = [*lines, *(_line(each, got.get(each.name)) for each in [*always, *packages])]
    requirements = folder / "requirements.txt"
    requirements.write_text("".join(f"{line}\n" for line in text), encoding="utf-8")
    return {f"{folder.name}/{path.name}": path for path in [requirements, *got.values()]}


def _line(package: Locked, wheel: Path | None) -> str:
    """For pip: the one file that comes along, or each that the lock has where the machine's index has them."""
    if wheel is None:
        return package.line
    return f"{package.requirement.name}{package.requirement.specifier} --hash=sha256:{sha256_of(wheel)}"


def model_files_of(folder: Path) -> Iterator[tuple[str, Path]]:
    """A model's files, by their path in its folder; hidden ones, which tools keep for themselves, are none of it."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in name.parts):
            yield name.as_posix(), path


def _write(file: IO[bytes], top: str, manifest: Manifest, files: dict[str, Path]) -> None:
    text = (manifest.model_dump_json(indent=2) + "\n").encode()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(_entry(f"{top}/{NAME}", len(text)), io.BytesIO(text))
        for name, path in files.items():
            facts = manifest.files[name]
            with path.open("rb") as source:
                archive.addfile(_entry(f"{top}/{name}", facts.bytes), source)
            if sha256_of(path) != facts.sha256:
                raise UserError(f"{path}: changed while it was bundled")


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime = size, _TIME_S
    entry.mode = 0o755 if name.endswith(".sh") else 0o644
    return entry
