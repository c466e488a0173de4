"""What every format has in common: files, entries, renamed fields, and what can't be read."""

from __future__ import annotations

import gzip
import json
import os
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.benchmarks import get_benchmark
from assay.config import DatasetConfig
from assay.datasets import Dataset, load_dataset
from assay.errors import UserError

SMOL = get_benchmark("smollm2-135m")


def load(tmp_path: Path, content: bytes | str, name: str = "data.jsonl", **keys: Any) -> Dataset:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return load_dataset(SMOL, DatasetConfig(path=path, **keys))


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"prompt": "a"}, "prompts"),
        ({"messages": [{"role": "user", "content": "a"}]}, "prompts"),
        ({"id": "1", "article": "a"}, "articles"),
        ({"input": "a"}, "mlperf"),
        ({"conversations": [{"from": "human", "value": "a"}]}, "sharegpt"),
        ({"timestamp": 0, "input_length": 3, "output_length": 2, "hash_ids": [0]}, "mooncake"),
    ],
)
def test_a_format_is_recognised_by_its_fields_whatever_the_file_is_called(
    tmp_path: Path, fields: dict[str, Any], name: str
) -> None:
    as_lines = load(tmp_path, json.dumps(fields) + "\n\n", "any.txt")
    as_list = load(tmp_path, json.dumps([fields], indent=1), "any.json")
    assert as_lines.format == as_list.format == name
    assert (len(as_lines), as_lines.name, as_lines.path) == (1, "any.txt", tmp_path / "any.txt")


def test_unknown_fields_name_what_is_known(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"line 1: it has the fields question, which are of no known format.*sharegpt"):
        load(tmp_path, '{"question": "a"}')
    with pytest.raises(UserError, match=r"dataset\.format: there is no format 'csv'; known are articles, mlperf"):
        load(tmp_path, '{"prompt": "a"}', format="csv")


def test_a_named_format_is_taken_at_its_word(tmp_path: Path) -> None:
    row = '{"prompt": "a", "input": "b"}'
    assert load(tmp_path, row).samples[0].prompt == "a"
    assert load(tmp_path, row, format="mlperf").samples[0].prompt == "b"


def test_fields_are_mapped_to_the_files_names(tmp_path: Path) -> None:
    dataset = load(tmp_path, '{"q": "a", "a": "b"}', fields={"prompt": "q", "reference": "a"})
    assert (dataset.samples[0].prompt, dataset.references) == ("a", ["b"])


def test_byte_order_marks(tmp_path: Path) -> None:
    assert load(tmp_path, b'\xef\xbb\xbf{"prompt": "a"}\r\n').samples[0].prompt == "a"
    assert load(tmp_path, b'\xef\xbb\xbf[{"prompt": "a"}]').samples[0].prompt == "a"
    with pytest.raises(UserError, match="is UTF-16 text; save it as UTF-8"):
        load(tmp_path, '{"prompt": "a"}'.encode("utf-16"))


def test_a_fifo_or_a_device_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    for path in (tmp_path / "pipe.jsonl", Path("/dev/zero")):
        with pytest.raises(UserError, match=f"dataset {path}: no regular file"):
            load_dataset(SMOL, DatasetConfig(path=path))


def test_a_file_that_cant_be_read_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"dataset .*file/x\.jsonl: Not a directory"):
        load_dataset(SMOL, DatasetConfig(path=tmp_path / "file" / "x.jsonl"))
    with pytest.raises(UserError, match="dataset /proc/self/mem: Input/output error"):
        load_dataset(SMOL, DatasetConfig(path=Path("/proc/self/mem")))


def test_what_is_compressed_says_how_to_unpack_it(tmp_path: Path) -> None:
    for name in ("x.jsonl.gz", "open_orca.pkl.gz"):
        with pytest.raises(UserError, match=rf"is compressed: run `gunzip .*{re.escape(name)}`"):
            load(tmp_path, gzip.compress(b"{}"), name)


def in_parquet(rows: list[dict[str, Any]]) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return bytes(sink.getvalue())


def test_parquet_is_read_as_json_is(tmp_path: Path) -> None:
    rows = [
        {"text_input": "a b", "tok_input": [3, 70_000], "dataset": "made up", "prompt": "not this"},
        {"text_input": "c", "tok_input": [5], "dataset": "made up", "prompt": "not this"},
    ]
    as_lines = load(tmp_path, "\n".join(map(json.dumps, rows)))
    found = load(tmp_path, in_parquet(rows), "perf_eval_ref.parquet")
    assert found.format == as_lines.format == "mlperf"
    assert found.tokens_sha256 == as_lines.tokens_sha256 != ""
    assert [sample.prompt for sample in found.samples] == ["a b", "c"]
    talk = [{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]}]
    assert load(tmp_path, in_parquet(talk), "x.parquet").samples[0].reference == "hello"


def test_token_ids_alone_are_a_prompt(tmp_path: Path) -> None:
    found = load(tmp_path, in_parquet([{"input_tokens": [3, 4]}, {"input_tokens": [5]}]), "x.parquet")
    assert [(sample.prompt, sample.messages) for sample in found.samples] == [(None, None)] * 2
    assert [ids.tolist() for sample in found.samples if (ids := sample.tok_input) is not None] == [[3, 4], [5]]


@pytest.mark.parametrize("ids", [[], [-1], [2**31], [None, 3]])
def test_token_ids_in_parquet_are_looked_at_too(tmp_path: Path, ids: list[Any]) -> None:
    with pytest.raises(UserError, match=r"x\.parquet, entry 2: the field 'tok_input' "):
        load(tmp_path, in_parquet([{"tok_input": [1]}, {"tok_input": ids}]), "x.parquet")


def test_numbers_in_parquet_that_are_no_integers_are_no_token_ids(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"x\.parquet, entry 1: the field 'tok_input' must be a list of token ids"):
        load(tmp_path, in_parquet([{"tok_input": [1.0]}]), "x.parquet")


def test_parquet_that_ends_too_soon(tmp_path: Path) -> None:
    whole = in_parquet([{"prompt": "a"}])
    for damaged in (b"PAR1...", whole[:-9]):
        with pytest.raises(UserError, match=r"x\.parquet can't be read as Parquet: .* Was it downloaded to the end\?"):
            load(tmp_path, damaged, "x.parquet")


def test_an_entry_that_is_no_json_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"line 2 is not JSON: .* Expected an object a line, or one list of objects"):
        load(tmp_path, '{"prompt": "a"}\n{"prompt": \n')


@pytest.mark.parametrize("most", ["1e300", "100000000000000000000000000", "10000001", "-1", "0"])
def test_an_absurd_length_is_refused(tmp_path: Path, most: str) -> None:
    with pytest.raises(
        UserError, match=r"line 1: the field 'max_tokens' must be a whole number, at least 1 and at most"
    ):
        load(tmp_path, f'{{"prompt": "a", "max_tokens": {most}}}')


def test_an_absurd_time_is_refused(tmp_path: Path) -> None:
    text = '{"timestamp": 1e300, "input_length": 4, "output_length": 4}'
    with pytest.raises(UserError, match="line 1: the field 'timestamp' must be a time in ms, 0 or more and at most"):
        load(tmp_path, text)


def test_prompts_that_would_fill_the_memory_are_not_begun(tmp_path: Path) -> None:
    rows = '{"input_length": 10000000, "output_length": 4}\n' * 101
    with pytest.raises(UserError, match="prompts of 1010000000 tokens altogether"):
        load(tmp_path, rows)
    synthetic = {"input": 10_000_000, "output": 1, "prefix": {"tokens": 5, "groups": 1_000_000_000}}
    config = DatasetConfig.model_validate({"synthetic": synthetic, "samples": 1})
    with pytest.raises(UserError, match="ask for fewer samples"):
        load_dataset(SMOL, config)
