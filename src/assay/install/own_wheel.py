"""Assay's own wheel, made from what is installed or from the sources that it runs from: the same bytes each time."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from dataclasses import dataclass
from email.parser import HeaderParser
from importlib.metadata import Distribution, PackagePath, entry_points
from pathlib import Path

from packaging.utils import canonicalize_name

import assay
from assay.errors import UserError
from assay.install.lock import lock_file

_EARLIEST = (1980, 1, 1, 0, 0, 0)  # the first time that a zip knows
_MADE_HERE = ("RECORD", "WHEEL")
_OF_AN_INSTALLATION = ("INSTALLER", "REQUESTED", "direct_url.json")
_WHEEL = "Wheel-Version: 1.0\nGenerator: assay\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


@dataclass(frozen=True)
class OwnWheel:
    """A wheel of this very Assay, and what its metadata says."""

    file: str
    data: bytes
    name: str
    version: str
    requires_python: str
    requirements: tuple[str, ...]
    extras: tuple[str, ...]


def own_wheel() -> OwnWheel:
    """Raises UserError where Assay isn't installed, or its files aren't those that were."""
    distribution = _own_distribution()
    metadata = distribution.read_text("METADATA") or ""
    headers = HeaderParser().parsestr(metadata)
    name, version = headers["Name"], headers["Version"]
    if version != assay.__version__:
        raise UserError(f"{name} {version} is installed, but {assay.__version__} runs: install it again")
    escaped = canonicalize_name(name).replace("-", "_")
    folder = f"{escaped}-{version}.dist-info"
    files = {
        **_package_files(distribution),
        **_metadata_files(distribution, folder),
        f"{folder}/WHEEL": _WHEEL.encode(),
    }
    return OwnWheel(
        file=f"{escaped}-{version}-py3-none-any.whl",
        data=_zipped(files, f"{folder}/RECORD"),
        name=name,
        version=version,
        requires_python=headers["Requires-Python"] or "",
        requirements=tuple(distribution.requires or ()),
        extras=tuple(headers.get_all("Provides-Extra") or ()),
    )


def _own_distribution() -> Distribution:
    for entry in entry_points(group="console_scripts", name="assay"):
        if entry.value == "assay.commands.main:main" and entry.dist is not None:
            return entry.dist
    raise UserError("Assay isn't installed here (only its sources are on the path): run `pip install --editable .`")


def _package_files(distribution: Distribution) -> dict[str, bytes]:
    """The package as it is imported; where it was installed as files, checked against its own RECORD."""
    top = Path(assay.__file__).parent
    recorded = {str(path): path for path in distribution.files or ()}
    files = {}
    for path in top.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            name = f"{top.name}/{path.relative_to(top).as_posix()}"
            files[name] = path.read_bytes()
            if name in recorded and _digest(files[name]) != _recorded_digest(recorded[name]):
                raise UserError(f"{path}: was changed after Assay was installed: install it again")
    files["assay/install/dev.lock"] = lock_file().read_bytes()
    return files


def _metadata_files(distribution: Distribution, folder: str) -> dict[str, bytes]:
    files = {}
    for path in distribution.files or ():
        first, *rest = path.parts
        if first.endswith(".dist-info") and rest and rest[-1] not in (*_MADE_HERE, *_OF_AN_INSTALLATION):
            files["/".join([folder, *rest])] = path.read_binary()
    return files


def _recorded_digest(path: PackagePath) -> str:
    return path.hash.value if path.hash is not None else ""


def _digest(data: bytes) -> str:
    """As RECORD has it (https://packaging.python.org/specifications/recording-installed-packages)."""
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def _zipped(files: dict[str, bytes], record: str) -> bytes:
    """Sorted, with one date and nothing compressed: no version of a library decides about a byte."""
    lines = [f"{name},sha256={_digest(data)},{len(data)}" for name, data in sorted(files.items())]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in [*sorted(files.items()), (record, "\n".join([*lines, f"{record},,\n"]).encode())]:
            entry = zipfile.ZipInfo(name, _EARLIEST)
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, data)
    return buffer.getvalue()
