"""Prompts to token ids and answers back to text, as the model's own tokenizer does it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson

from assay.benchmarks import Benchmark
from assay.datasets.model import Message
from assay.errors import UserError
from assay.plain_files import plain

_SPECIAL_NAMES = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
# What transformers calls clean_up_tokenization; the order counts.
_CLEAN_UP = (
    (" .", "."),
    (" ?", "?"),
    (" !", "!"),
    (" ,", ","),
    (" ' ", "'"),
    (" n't", "n't"),
    (" 'm", "'m"),
    (" 's", "'s"),
    (" 've", "'ve"),
    (" 're", "'re"),
)


class PromptTokeniser:
    """A `tokenizer.json` and, for chat models, the template that wraps a prompt as a user message."""

    def __init__(
        self,
        tokenizer_json: Path,
        chat_template: str | None = None,
        special_tokens: dict[str, str] | None = None,
        clean_up_spaces: bool = False,
    ) -> None:
        """Load the tokenizer.

        `special_tokens` are what the template may name (`bos_token`, …). `clean_up_spaces` removes the space before
        punctuation from decoded text (transformers' `clean_up_tokenization_spaces`). Raises `UserError` if the file
        or the template can't be read.
        """
        from tokenizers import Tokenizer

        try:
            self._tokenizer: Any = Tokenizer.from_str(plain(tokenizer_json).read_text(encoding="utf-8"))
        except OSError as error:
            raise UserError(f"tokenizer {tokenizer_json}: {error.strerror or error}.") from error
        except Exception as error:  # the library raises bare Exception for a malformed file
            raise UserError(f"tokenizer {tokenizer_json} is not a Hugging Face tokenizer.json: {error}") from error
        self._clean_up_spaces = clean_up_spaces
        self._render: Callable[[Sequence[Message]], str] | None = None
        if chat_template is not None:
            from assay.datasets.chat_template import chat_renderer

            self._render = chat_renderer(chat_template, special_tokens or {})

    @classmethod
    def from_model_folder(cls, folder: Path, use_chat_template: bool, clean_up_spaces: bool = False) -> PromptTokeniser:
        """From a Hugging Face model folder: `tokenizer.json`, `tokenizer_config.json`, `chat_template.jinja`.

        Without a chat template `tokenizer.json` is enough: the special tokens that the others name are the template's.
        The folder's own `clean_up_tokenization_spaces` isn't read: it has changed for published models, and scores
        are comparable only if all are decoded alike.

        Raises `UserError` if a file is missing or can't be read.
        """
        settings = folder / "tokenizer_config.json"
        config = _read_config(settings) if use_chat_template or settings.is_file() else {}
        template = None
        if use_chat_template:
            file = folder / "chat_template.jinja"
            template = _read_template(file) if file.is_file() else config.get("chat_template")
            if not isinstance(template, str):
                raise UserError(f"The model in {folder} has no chat template (chat_template.jinja), and one is needed.")
        return cls(
            folder / "tokenizer.json",
            template,
            special_tokens={name: text for name in _SPECIAL_NAMES if (text := _token_text(config.get(name)))},
            clean_up_spaces=clean_up_spaces,
        )

    def encode_prompt(self, text: str) -> list[int]:
        """Token ids of a prompt: through the chat template where there is one, else as `encode_plain`."""
        if self._render is None:
            return self.encode_plain(text)
        return self.encode_messages([Message("user", text)])

    def encode_messages(self, messages: Sequence[Message]) -> list[int]:
        """Token ids of a conversation through the chat template. Raises `UserError` where there is none."""
        if self._render is None:
            raise UserError("messages need the model's chat template, and this benchmark uses none")
        # The template has written the special tokens already.
        ids: list[int] = self._tokenizer.encode(self._render(messages), add_special_tokens=False).ids
        return ids

    def encode_plain(self, text: str) -> list[int]:
        """Token ids of the bare text, with the special tokens that the tokenizer itself adds (Llama 3: BOS)."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=True).ids
        return ids

    def decode(self, ids: Sequence[int], skip_special: bool = True) -> str:
        """The text of token ids, without special tokens unless `skip_special` is False."""
        text: str = self._tokenizer.decode(list(ids), skip_special_tokens=skip_special)
        if self._clean_up_spaces:
            for spaced, tight in _CLEAN_UP:
                text = text.replace(spaced, tight)
        return text


class TokeniserCounter:
    """A `TokenCounter` that asks the model's own tokenizer."""

    source = "the model's tokenizer"
    exact = True

    def __init__(self, tokeniser: PromptTokeniser) -> None:
        self._tokeniser = tokeniser

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(self._tokeniser.encode_prompt(text)) for text in texts]


def check_lengths(
    benchmark: Benchmark, lengths: Sequence[int], answers: Sequence[int | None] = (), context_limit: int | None = None
) -> None:
    """Raise `UserError` if a prompt of `lengths[i]` tokens leaves no room for an answer of `answers[i]` tokens.

    An answer without a length of its own is as long as the benchmark's. `context_limit` is what the served model
    says it holds, tokens; None: the benchmark's.
    """
    limit = context_limit or benchmark.context_limit
    if limit is None:
        return
    whose = "the served model" if context_limit else benchmark.name
    most = [answer or benchmark.max_new_tokens for answer in answers] or [benchmark.max_new_tokens] * len(lengths)
    over = [index for index, (length, answer) in enumerate(zip(lengths, most, strict=True)) if length + answer > limit]
    if over:
        index = over[0]
        others = f"; so have {len(over) - 1} other samples" if len(over) > 1 else ""
        raise UserError(
            f"sample {index} has {lengths[index]} tokens; {whose} has room for {limit - most[index]} "
            f"({limit} less {most[index]} for the answer){others}. Prompts aren't cut."
        )


def _read_template(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"chat template {path}: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"chat template {path}: not UTF-8: {error.reason} at byte {error.start}.") from error


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = orjson.loads(plain(path).read_bytes())
    except OSError as error:
        raise UserError(f"tokenizer settings {path}: {error.strerror or error}.") from error
    except orjson.JSONDecodeError as error:
        raise UserError(f"tokenizer settings {path} are not JSON: {error}.") from error
    if not isinstance(config, dict):
        raise UserError(f"tokenizer settings {path}: expected an object with named fields.")
    return config


def _token_text(value: Any) -> str | None:
    """A special token is written as its text, or as an object that holds it."""
    if isinstance(value, dict):
        value = value.get("content")
    return value if isinstance(value, str) else None
