"""What the server's two processes say to each other, and how they are started."""

from __future__ import annotations

import argparse
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.engines.embedded import metrics, server_command
from assay.engines.embedded.cpu import has_bf16
from assay.engines.embedded.engine import Link
from assay.engines.embedded.messages import Add, Cancel, Failed, Message, Ready, Step, pack, unpack
from assay.engines.embedded.options import ComputeOptions, Precision

_ids = st.lists(st.integers(0, 1 << 20), max_size=20)
_number = st.integers(0, 1 << 30)
_messages = st.one_of(
    st.builds(Add, _number, _ids, _number, _number, _ids),
    st.builds(Cancel, _number),
    st.builds(Ready, st.text()),
    st.builds(Failed, st.text()),
    st.builds(
        Step,
        st.lists(st.tuples(_number, _ids, st.sampled_from([None, "stop", "length", "error"])).map(list)),
        _number,
        _number,
        st.floats(0, 1),
    ),
)


@given(_messages)
def test_a_message_survives_as_one_line(message: Message) -> None:
    line = pack(message)
    assert line.count(b"\n") == 1
    assert unpack(line) == message


def test_the_link_joins_what_arrives_in_pieces() -> None:
    mine, theirs = socket.socketpair()
    with mine, theirs:
        link = Link(theirs)
        sent: list[Message] = [Add(1, list(range(50_000)), 9, 0, [2]), Cancel(1), Cancel(2)]
        data = b"".join(pack(message) for message in sent)
        received: list[Message] = []
        for start in range(0, len(data), 50_000):
            mine.sendall(data[start : start + 50_000])
            received += link.receive(wait=False)
        assert received == sent
        assert list(link.receive(wait=False)) == []
        mine.close()
        with pytest.raises(EOFError):
            list(link.receive(wait=False))


@given(
    st.builds(
        ComputeOptions,
        st.sampled_from(["auto", "bf16", "f32"]),
        st.integers(0, 256),
        st.integers(1, 512),
        st.integers(1, 4096),
        st.integers(1, 65536),
    )
)
def test_options_survive_a_command_line(options: ComputeOptions) -> None:
    parser = argparse.ArgumentParser()
    ComputeOptions.add_to(parser)
    assert ComputeOptions.from_arguments(parser.parse_args(options.arguments())) == options


def test_options_out_of_range_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    ComputeOptions.add_to(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(["--cache-gb", "0"])
    assert "--cache-gb: invalid whole number of at least 1 value: '0'" in capsys.readouterr().err


def test_the_command_names_address_and_options() -> None:
    command = server_command("python", "127.0.0.1", "0", ComputeOptions("f32", threads=3))
    assert command[:3] == ["python", "-m", "assay.engines.embedded.server"]
    pairs = dict(zip(command[3::2], command[4::2], strict=True))
    assert (pairs["--host"], pairs["--port"], pairs["--model-name"]) == ("127.0.0.1", "0", "smollm2-135m")
    assert (pairs["--precision"], pairs["--threads"]) == ("f32", "3")


@pytest.mark.parametrize(
    ("precision", "threads", "cores", "refused"),
    [("bf16", 1, 8, True), ("bf16", 0, 1, True), ("bf16", 2, 1, True), ("bf16", 2, 2, False), ("f32", 1, 1, False)],
)
def test_one_thread_is_for_f32_only(precision: Precision, threads: int, cores: int, refused: bool) -> None:
    assert (ComputeOptions(precision, threads).refusal(cores, bf16=True) is not None) == refused


@pytest.mark.parametrize(
    ("flags", "bf16"),
    [
        ("avx2 avx512f avx512_bf16 amx_bf16", True),
        ("avx2 avx512f avx512_vnni", False),
        ("avx2 avx_ne_convert", False),
        ("avx2 fma", False),
    ],
)
def test_bf16_is_for_cpus_that_have_it_with_avx512(tmp_path: Path, flags: str, bf16: bool) -> None:
    told = tmp_path / "cpuinfo"
    told.write_text(f"model name\t: avx512_bf16 in name only\nflags\t\t: fpu {flags} vaes\n\n" * 2)
    assert has_bf16(told) == bf16
    assert ComputeOptions().settled(2, has_bf16(told)).precision == ("bf16" if bf16 else "f32")


def test_a_cpu_that_tells_no_flags_computes_in_f32(tmp_path: Path) -> None:
    (tmp_path / "arm").write_text("Features\t: fp asimd bf16\n")
    assert not has_bf16(tmp_path / "arm")
    assert not has_bf16(tmp_path / "none")


@given(st.sampled_from(["auto", "bf16", "f32"]), st.integers(0, 4), st.integers(1, 4), st.booleans())
def test_what_is_settled_is_never_refused_and_changes_nothing_that_was_asked(
    asked: Precision, threads: int, cores: int, bf16: bool
) -> None:
    options = ComputeOptions(asked, threads)
    settled = options.settled(cores, bf16)
    assert settled.precision in ({"bf16", "f32"} if asked == "auto" else {asked})
    assert asked != "auto" or settled.refusal(cores, bf16) is None
    assert settled.precision != "f32" or asked == "f32" or ComputeOptions("bf16", threads).refusal(cores, bf16)


def test_bf16_asked_for_where_the_cpu_lacks_it_is_told_with_the_mend() -> None:
    refusal = ComputeOptions("bf16").refusal(8, bf16=False) or ""
    assert "no AVX512-BF16" in refusal
    assert "set precision to f32, or to auto" in refusal


def test_metrics_have_vllms_names_and_form() -> None:
    counters = metrics.Counters(prompt_tokens=5, generation_tokens=7)
    counters.finished["stop"] += 2
    lines = metrics.render("tiny", counters, 1, 2, 0.25).decode().splitlines()
    assert 'vllm:num_requests_running{model_name="tiny"} 1' in lines
    assert 'vllm:num_requests_waiting{model_name="tiny"} 2' in lines
    assert 'vllm:kv_cache_usage_perc{model_name="tiny"} 0.25' in lines
    assert 'vllm:prompt_tokens_total{model_name="tiny"} 5' in lines
    assert 'vllm:generation_tokens_total{model_name="tiny"} 7' in lines
    assert 'vllm:request_success_total{finished_reason="stop",model_name="tiny"} 2' in lines
