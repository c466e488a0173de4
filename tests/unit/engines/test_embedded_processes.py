"""What the server's two processes say to each other, and how they are started."""

from __future__ import annotations

import argparse
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.engines.embedded import metrics, server_command
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
        st.sampled_from(["bf16", "f32"]),
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
    assert (ComputeOptions(precision, threads).refusal(cores) is not None) == refused


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
