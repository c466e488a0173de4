"""Sentence splitting by NLTK's Punkt with the English tables of `punkt_tab`, never downloaded by NLTK itself.

The tables carry no licence of their own, so they don't come with this package. They are taken from a wheel that
does carry them, pinned by its hash, and each table is checked by its own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from assay.assets import cache_dir, fetch_from_wheel, sha256_of
from assay.errors import UserError

WHEEL = "llama-index-core==0.14.25"
WHEEL_SHA256 = "caa7d9c5ac9b13dc33400cf8d5e92e689b6d1e4497eb9bfa50d6f52ca2eb22a1"
WHEEL_VARIABLE = "ASSAY_PUNKT_WHEEL"
_MEMBER = "llama_index/core/_static/nltk_cache/tokenizers/punkt_tab/english/"
_SHA256S = {
    "abbrev_types.txt": "92a3e070f43d9b4c5534758ca40ad7343b04e7e29bfe0c2eb658a39445a4f779",
    "collocations.tab": "8e2da1225e4dd2cc9dba261ee231ccb134859e21b46006e7f472c5ee269af0cf",
    "ortho_context.tab": "4bbcca25ed3d3f06c02402abf8419b9f033b8adc06e7b482eca4e45f81a5dc4c",
    "sent_starters.txt": "f3f8535483e1dba487241b764945168123bca3209a9645e59acd1225dc76edac",
}


def ensure_punkt(cache: Path | None = None) -> Path:
    """The folder of the English Punkt tables, fetched if the cache lacks them or holds damaged ones.

    Raises `UserError` if they can't be had; its message says how to bring them by hand.
    """
    folder = (cache or cache_dir()) / "punkt_tab" / "english"
    if not _intact(folder):
        fetch_from_wheel(WHEEL, WHEEL_SHA256, _MEMBER, folder, WHEEL_VARIABLE)
        if not _intact(folder):
            raise UserError(f"The sentence tables in {folder} differ from the pinned ones. Remove the folder.")
    return folder


def _intact(folder: Path) -> bool:
    return all(
        (folder / name).is_file() and sha256_of(folder / name) == expected for name, expected in _SHA256S.items()
    )


def sentence_splitter() -> Callable[[str], list[str]]:
    """A function equal to `nltk.sent_tokenize` for English."""
    return _splitter(ensure_punkt())


@cache
def _splitter(folder: Path) -> Callable[[str], list[str]]:
    from nltk.tokenize.punkt import PunktSentenceTokenizer, load_punkt_params

    tokenizer = PunktSentenceTokenizer(load_punkt_params(str(folder)))
    # list(): NLTK returns one already; its type is unknown to the checker.
    return lambda text: list(tokenizer.tokenize(text))
