"""Our tokenizer.json against OpenVINO's own tokenizer for the same file, and streamed text against `tokenizers`."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.paths import shared_data
from tokenizers import Tokenizer

from assay.engines.embedded import ModelFiles, ensure_model
from assay.engines.embedded.engine import import_openvino_genai
from assay.engines.embedded.vocabulary import Vocabulary
from assay.errors import UserError

pytestmark = pytest.mark.engine

_AWKWARD = [
    *("", "a", " ", "  two  spaces\n\n\ttab ", "12345 67,890.12", "٣٤٥ ½ ² ③", "don't I'll WE'VE", "\x00\x01\x7f"),
    *("😀👩‍👩‍👧‍👦🇩🇪", "naïve café Ærøskøbing", "日本語のテキスト", "e\u0301 ﷺ 𒀀𐍈", "\u00a0\u3000\u200d\ufeff"),
    *("<|im_start|>user\nhi<|im_end|>", "<|im_start|> <|endoftext|>x", "<repo_name>a<file_sep>"),
]


@pytest.fixture(scope="module")
def files() -> ModelFiles:
    try:
        return ensure_model()
    except UserError as error:
        pytest.skip(f"no model: {error}")


@pytest.fixture(scope="module")
def openvino_ids(files: ModelFiles) -> Callable[[str], list[int]]:
    if importlib.util.find_spec("openvino_genai") is None:
        pytest.skip("openvino-genai isn't installed")
    tokenizer = import_openvino_genai().Tokenizer(str(files.gguf_f16))

    def encode(text: str) -> list[int]:
        ids: list[int] = tokenizer.encode(text, add_special_tokens=False).input_ids.data.reshape(-1).tolist()
        return ids

    return encode


@pytest.fixture(scope="module")
def vocabulary(files: ModelFiles) -> Vocabulary:
    return Vocabulary(files.tokenizer_json)


@pytest.fixture(scope="module")
def tokenizer(files: ModelFiles) -> Tokenizer:
    return Tokenizer.from_file(str(files.tokenizer_json))


@pytest.mark.parametrize("text", _AWKWARD)
def test_awkward_texts_have_the_same_ids(
    text: str, vocabulary: Vocabulary, openvino_ids: Callable[[str], list[int]]
) -> None:
    assert vocabulary.encode(text) == openvino_ids(text)


def test_bundled_articles_have_the_same_ids(vocabulary: Vocabulary, openvino_ids: Callable[[str], list[int]]) -> None:
    lines = (
        resources.files("assay.datasets").joinpath("bundled/articles.jsonl").read_text(encoding="utf-8").splitlines()
    )
    texts = [json.loads(line)["article"] for line in lines]
    assert texts
    assert [vocabulary.encode(text) for text in texts] == [openvino_ids(text) for text in texts]


def test_real_articles_have_the_same_ids(vocabulary: Vocabulary, openvino_ids: Callable[[str], list[int]]) -> None:
    articles = json.loads((shared_data() / "cnn_dailymail_30.json").read_bytes())
    texts = [article[field] for article in articles for field in ("input", "output")]
    assert [vocabulary.encode(text) for text in texts] == [openvino_ids(text) for text in texts]


@given(text=st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_has_the_same_ids(text: str, vocabulary: Vocabulary, openvino_ids: Callable[[str], list[int]]) -> None:
    assert vocabulary.encode(text) == openvino_ids(text)


@given(ids=st.lists(st.integers(0, 49151), max_size=60), size=st.integers(1, 5))
@settings(max_examples=300, deadline=None)
def test_any_tokens_stream_to_the_text_they_decode_to(
    ids: list[int], size: int, vocabulary: Vocabulary, tokenizer: Tokenizer
) -> None:
    stream = vocabulary.stream()
    parts = [stream.feed(ids[start : start + size]) for start in range(0, len(ids), size)]
    whole = tokenizer.decode(ids, skip_special_tokens=True)
    assert "".join(parts) + stream.feed([], final=True) == whole
