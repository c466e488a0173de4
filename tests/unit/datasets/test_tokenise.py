"""Prompts are tokenised and answers decoded as transformers does it.

The expected texts and ids were compared once with transformers 5 (`apply_chat_template`, `decode`): 101 of 101
prompts gave the same ids with SmolLM2's template and with `LLAMA_LIKE`.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from assay.benchmarks import get_benchmark
from assay.datasets import Message, PromptTokeniser, chat_template, check_lengths
from assay.datasets.chat_template import chat_renderer
from assay.errors import UserError

LLAMA_LIKE = (
    "{{- bos_token }}\n{%- set d = strftime_now('%d %b %Y') %}\n"
    "{%- if not tools is none %}{{ raise_exception('no') }}{% endif %}{{- '<|im_start|>system\\n' }}{{ d }}\n"
    "{% for m in messages %}\n    {% if m.role == 'user' %}\n"
    "{{ m['content'] | trim }}{{ m | tojson }}{{ m|tojson(indent=2) }}\n    {% endif %}\n"
    "  {% generation %}gen {{ loop.index }}{% endgeneration %}\n{% if loop.index > 3 %}{% break %}{% endif %}\n"
    "{% endfor %}\n{%- if add_generation_prompt %}A:{% endif %}\n"
)
SMOL_LIKE = (
    "{% for message in messages %}{{'<s>' + message['role'] + '\n' + message['content'] + '</s>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<s>assistant\n' }}{% endif %}"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder with a small byte-level BPE tokenizer that puts BOS in front, as Llama 3's does."""
    path = tmp_path_factory.mktemp("model")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=["<s>", "</s>"], initial_alphabet=alphabet)
    tokenizer.train_from_iterator(["the cat sat on the mat . it isn't there"], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    tokenizer.save(str(path / "tokenizer.json"))
    settings = {"bos_token": {"content": "<s>"}, "eos_token": "</s>", "pad_token": None, "chat_template": SMOL_LIKE}
    (path / "tokenizer_config.json").write_text(json.dumps(settings))
    return path


def test_a_template_renders_as_transformers_renders_it() -> None:
    render = chat_renderer(LLAMA_LIKE, {"bos_token": "<|im_start|>"})
    today = datetime.now().astimezone().strftime("%d %b %Y")
    message = '{"role": "user", "content": " é<b> "}'
    assert render([Message("user", " é<b> ")]) == (
        f"<|im_start|><|im_start|>system\n{today}\né<b>{message}"
        '{\n  "role": "user",\n  "content": " é<b> "\n}\ngen 1A:'
    )


def test_the_template_writes_the_special_tokens_once(folder: Path) -> None:
    tokeniser = PromptTokeniser.from_model_folder(folder, use_chat_template=True)
    ids = tokeniser.encode_prompt("the cat")
    assert tokeniser.decode(ids, skip_special=False) == "<s>user\nthe cat</s>\n<s>assistant\n"
    assert (ids.count(0), ids.count(1)) == (2, 1)
    assert tokeniser.decode(ids) == "user\nthe cat\nassistant\n"


def test_a_plain_prompt_begins_with_bos(folder: Path) -> None:
    tokeniser = PromptTokeniser.from_model_folder(folder, use_chat_template=False)
    ids = tokeniser.encode_prompt("the cat")
    assert ids == tokeniser.encode_plain("the cat")
    assert (ids[0], ids.count(0)) == (0, 1)
    assert tokeniser.decode(ids) == "the cat"


def test_a_template_file_of_its_own_comes_first(folder: Path, tmp_path: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "chat_template.jinja").write_text("{{ bos_token }}Q: {{ messages[0].content }}{{ eos_token }}")
    tokeniser = PromptTokeniser.from_model_folder(tmp_path, use_chat_template=True)
    assert tokeniser.decode(tokeniser.encode_prompt("x"), skip_special=False) == "<s>Q: x</s>"


def test_without_a_template_tokenizer_json_is_enough(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_bytes((folder / "tokenizer.json").read_bytes())
    alone = PromptTokeniser.from_model_folder(tmp_path, use_chat_template=False)
    whole = PromptTokeniser.from_model_folder(folder, use_chat_template=False)
    assert alone.encode_prompt("the cat") == whole.encode_prompt("the cat")


def test_text_is_cleaned_up_only_where_the_model_says_so(folder: Path) -> None:
    text = "it is n't there . really , no ? it 's ."
    plain = PromptTokeniser(folder / "tokenizer.json")
    tidy = PromptTokeniser(folder / "tokenizer.json", clean_up_spaces=True)
    ids = plain.encode_plain(text)
    assert plain.decode(ids) == text
    assert tidy.decode(ids) == "it isn't there. really, no? it's."


def test_a_template_cannot_reach_out_of_its_sandbox() -> None:
    render = chat_renderer("{{ messages.__class__.__mro__[1].__subclasses__() }}", {})
    with pytest.raises(UserError, match="unsafe"):
        render([Message("user", "x")])


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}{% endfor %}{% endfor %}"
        "{% endfor %}",
        "{{ (9 + messages | length) ** (9 ** 9) }}",
        "{{ 'x' * (messages | length) * 9999999999 }}",
        "{% set n = namespace(t='x') %}{% for a in range(99) %}{% set n.t = n.t + n.t %}{% endfor %}",
        "{{ '%9999999999d' | format(1) }}",
    ],
)
def test_a_template_that_runs_away_is_ended(monkeypatch: pytest.MonkeyPatch, template: str) -> None:
    monkeypatch.setattr(chat_template, "CPU_S", 1)
    render = chat_renderer(template, {})
    for _ in range(2):  # nor does it run on
        with pytest.raises(UserError, match="The chat template runs away"):
            render([Message("user", "x")])


def test_a_template_may_not_run_away_while_it_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_template, "CPU_S", 1)
    with pytest.raises(UserError, match="The chat template runs away"):
        chat_renderer("{{ 9 ** (9 ** 9) }}", {})


def test_a_template_that_calls_itself_is_named() -> None:
    render = chat_renderer("{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}", {})
    with pytest.raises(UserError, match="RecursionError"):
        render([Message("user", "x")])
    with pytest.raises(UserError, match="refuses the messages"):
        chat_renderer("{{ 1 / 0 * (messages | length) }}", {})([Message("user", "x")])


def test_a_template_may_refuse() -> None:
    render = chat_renderer("{{ raise_exception('needs a system message') }}", {})
    with pytest.raises(UserError, match=r"refuses the messages \(user\): needs a system message"):
        render([Message("user", "x")])


def test_mistakes_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="can't be compiled: line 1"):
        PromptTokeniser(folder / "tokenizer.json", "{% for %}")
    with pytest.raises(UserError, match="No such file"):
        PromptTokeniser(tmp_path / "tokenizer.json")
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(UserError, match=r"is not a Hugging Face tokenizer\.json"):
        PromptTokeniser(tmp_path / "tokenizer.json")
    with pytest.raises(UserError, match="tokenizer settings"):
        PromptTokeniser.from_model_folder(tmp_path, use_chat_template=True)
    (tmp_path / "tokenizer_config.json").write_text("{}")
    with pytest.raises(UserError, match="has no chat template"):
        PromptTokeniser.from_model_folder(tmp_path, use_chat_template=True)


def test_a_prompt_too_long_is_an_error_and_never_cut() -> None:
    benchmark = get_benchmark("smollm2-135m")
    room = benchmark.context_limit - benchmark.max_new_tokens
    check_lengths(benchmark, [1, room])
    with pytest.raises(UserError, match=f"sample 1 has {room + 1} tokens"):
        check_lengths(benchmark, [1, room + 1])


def test_an_answer_of_its_own_length_and_a_served_context_count() -> None:
    benchmark = get_benchmark("smollm2-135m")
    check_lengths(benchmark, [90, 60], [10, 40], context_limit=100)
    with pytest.raises(UserError, match=r"sample 1 has 61 tokens; the served model has room for 60 \(100 less 40"):
        check_lengths(benchmark, [90, 61], [10, 40], context_limit=100)
    with pytest.raises(UserError, match=r"sample 0 .* so have 1 other samples"):
        check_lengths(benchmark, [1, 1], [None, None], context_limit=benchmark.max_new_tokens)


def test_a_conversation_goes_through_the_template_whole(folder: Path) -> None:
    tokeniser = PromptTokeniser.from_model_folder(folder, use_chat_template=True)
    ids = tokeniser.encode_messages([Message("user", "a"), Message("assistant", "b"), Message("user", "c")])
    assert tokeniser.decode(ids, skip_special=False) == (
        "<s>user\na</s>\n<s>assistant\nb</s>\n<s>user\nc</s>\n<s>assistant\n"
    )
    with pytest.raises(UserError, match="messages need the model's chat template"):
        PromptTokeniser(folder / "tokenizer.json").encode_messages([Message("user", "a")])


@pytest.mark.engine
def test_the_bundled_model_is_addressed_as_its_makers_do() -> None:
    pytest.importorskip("gguf", reason="needs the embedded extra")
    from assay.engines.embedded import ensure_model

    files = ensure_model()
    tokeniser = PromptTokeniser(files.tokenizer_json, files.chat_template)
    ids = tokeniser.encode_prompt("Héllo 42")
    assert tokeniser.decode(ids, skip_special=False) == (
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
        "<|im_start|>user\nHéllo 42<|im_end|>\n<|im_start|>assistant\n"
    )
    assert ids.count(files.eos_id) == 2
