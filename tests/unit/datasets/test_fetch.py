"""The fetcher writes the official layout, and says what to do where it can't."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.paths import shared_data
from tokenizers import Tokenizer, models, pre_tokenizers

from assay.benchmarks import get_benchmark
from assay.config import DatasetConfig
from assay.datasets import PromptTokeniser, fetch_cnn_dailymail, load_dataset
from assay.datasets.fetch import official_layout
from assay.errors import UserError

LLAMA = get_benchmark("llama3.1-8b")


@pytest.fixture
def tokenizer_folder(tmp_path: Path) -> Path:
    """A tokenizer whose ids are the prompt's words in order of a small vocabulary."""
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "Summarize": 1, "article": 2}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    folder = tmp_path / "tokenizer"
    folder.mkdir()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text("{}")
    return folder


def test_rows_become_the_official_layout(tokenizer_folder: Path, tmp_path: Path) -> None:
    official = load_dataset(LLAMA, DatasetConfig(path=shared_data() / "cnn_dailymail_30.json"))
    before, after = LLAMA.prompt_template.split("{article}")
    rows = [
        {"article": sample.prompt.removeprefix(before).removesuffix(after), "highlights": sample.reference, "id": "0"}
        for sample in official.samples
    ]
    tokeniser = PromptTokeniser.from_model_folder(tokenizer_folder, use_chat_template=False)
    path = tmp_path / "cnn_eval.json"
    path.write_bytes(official_layout(LLAMA, rows, tokeniser))
    made = load_dataset(LLAMA, DatasetConfig(path=tmp_path))
    assert [sample.prompt for sample in made.samples] == [sample.prompt for sample in official.samples]
    assert made.references == official.references
    first = made.samples[0].tok_input
    assert first is not None
    assert first[:5].tolist() == [1, 0, 0, 2, 0]


def test_without_the_extra_it_says_what_to_install(
    tokenizer_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(UserError, match=r"assay-llm\[huggingface\].*By hand: get cnn_eval\.json.*dataset\.path"):
        fetch_cnn_dailymail(LLAMA, tmp_path / "data", tokenizer_folder)
    assert not (tmp_path / "data").exists()


def test_without_a_network_it_says_what_to_do(
    tokenizer_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = pytest.importorskip("datasets.config", reason="needs the huggingface extra")
    hub = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(hub, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(settings, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(settings, "HF_DATASETS_CACHE", tmp_path / "cache")
    with pytest.raises(UserError, match=r"couldn't be fetched .*By hand: get cnn_eval\.json"):
        fetch_cnn_dailymail(LLAMA, tmp_path / "data", tokenizer_folder)
    assert not (tmp_path / "data").exists()


def test_the_tokenizer_is_looked_at_before_anything_is_downloaded(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"tokenizer .*tokenizer\.json: No such file"):
        fetch_cnn_dailymail(LLAMA, tmp_path / "data", tmp_path)


def test_the_edge_choice_cannot_be_made_from_the_hub(tokenizer_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"uses sample_cnn_eval_5000\.json, which can't be made"):
        fetch_cnn_dailymail(get_benchmark("llama3.1-8b-edge"), tmp_path, tokenizer_folder)
