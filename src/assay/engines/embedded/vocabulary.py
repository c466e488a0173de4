"""Text to token ids and, as tokens arrive, token ids to text."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from pathlib import Path


class Vocabulary:
    """The model's tokenizer and the bytes that each token stands for."""

    def __init__(self, tokenizer_json: Path) -> None:
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(tokenizer_json))
        special = self._tokenizer.get_added_tokens_decoder()
        to_byte = _byte_level_alphabet()
        self._bytes = [b""] * self._tokenizer.get_vocab_size()
        for token, index in self._tokenizer.get_vocab().items():
            if index not in special:  # special tokens are never shown
                self._bytes[index] = bytes(to_byte[character] for character in token)

    def __len__(self) -> int:
        return len(self._bytes)

    def encode(self, text: str) -> list[int]:
        """Token ids of `text`; names of special tokens in it become those tokens, as in vLLM."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def stream(self) -> TextStream:
        """A decoder for one answer."""
        return TextStream(self._bytes)


class TextStream:
    """Decodes one answer as it arrives; holds a character back until all of its bytes are there."""

    def __init__(self, token_bytes: Sequence[bytes]) -> None:
        self._token_bytes = token_bytes
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def feed(self, ids: Sequence[int], final: bool = False) -> str:
        """The text that `ids` complete; with `final`, bytes that never became a character show as U+FFFD."""
        return self._decoder.decode(b"".join(self._token_bytes[index] for index in ids), final)


def _byte_level_alphabet() -> dict[str, int]:
    """GPT-2's mapping: printable Latin-1 characters stand for themselves, other bytes for U+0100 onwards."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + n): byte for n, byte in enumerate(others)}
