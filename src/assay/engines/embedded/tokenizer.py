"""The bundled model's tokenizer, for those who prepare its prompts."""

from __future__ import annotations

from collections.abc import Callable

from assay.engines.embedded.model import ensure_model
from assay.serving.needs import TokenizerFiles, TokenizerSettings

_SPECIAL = {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>"}


def bundled_tokenizer(say: Callable[[str], None]) -> TokenizerFiles:
    """SmolLM2-135M-Instruct's tokenizer. Raises UserError where the model's files can't be had."""
    files = ensure_model(progress=say)
    settings = TokenizerSettings(files.chat_template, _SPECIAL)
    return TokenizerFiles(files.tokenizer_json.parent, settings, files.sha256s)
