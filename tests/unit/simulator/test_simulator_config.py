"""Options of the simulator and what it reads in a request."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.commands.main import main as assay
from assay.errors import UserError
from assay.simulator import Fault, FaultKind, SimulatorConfig, main
from assay.simulator.requests import read_request


def test_fault_from_text() -> None:
    fault = Fault.parse("kind=slow, at=2, for=1.5, p=0.25, factor=3")
    assert fault == Fault(FaultKind.SLOW, at_s=2, for_s=1.5, p=0.25, factor=3)
    assert Fault.parse("hang") == Fault(FaultKind.HANG)


@pytest.mark.parametrize(
    "text",
    ["", "explode", "hang,at=soon", "hang,until=3", "hang,p=0", "hang,p=2", "hang,at=1,after=1", "slow,factor=0"],
)
def test_bad_faults_are_explained(text: str) -> None:
    with pytest.raises(UserError):
        Fault.parse(text)


def test_config_from_fields() -> None:
    config = SimulatorConfig.from_fields(
        {"ttft_ms": 50, "speed": [1, 2], "processes": "2", "truth": "t", "faults": ["reset", {"kind": "hang", "at": 3}]}
    )
    assert config.faults == (Fault(FaultKind.RESET), Fault(FaultKind.HANG, at_s=3))
    (second,) = config.of_process(1)
    assert (second.port, second.speed, second.truth, second.processes) == (8001, (2.0,), Path("t.1"), 1)


def test_endpoints_of_a_process_are_numbered_through() -> None:
    config = SimulatorConfig(port=8000, processes=2, endpoints_per_process=2, speed=(1, 2, 3, 4), truth=Path("t"))
    of_both = [config.of_process(index) for index in (0, 1)]
    assert [[one.port for one in of] for of in of_both] == [[8000, 8001], [8002, 8003]]
    assert [[one.speed for one in of] for of in of_both] == [[(1,), (2,)], [(3,), (4,)]]
    assert [[one.truth for one in of] for of in of_both] == [[Path("t"), Path("t.1")], [Path("t.2"), Path("t.3")]]
    assert [[one.seed for one in of] for of in of_both] == [[0, 1], [2, 3]]


@pytest.mark.parametrize(
    "fields",
    [
        {"ttft": 5},
        {"ttft_ms": "x"},
        {"itl_ms": -1},
        {"processes": 0},
        {"endpoints_per_process": 0},
        {"endpoints_per_process": 2, "one_port": True},
        {"speed": [1, 2, 3], "processes": 2},
        {"speed": [1, 2], "processes": 2, "endpoints_per_process": 2},
        {"port": 65000, "processes": 4, "endpoints_per_process": 256},
        {"speed": 0},
    ],
)
def test_bad_options_are_explained(fields: dict[str, object]) -> None:
    with pytest.raises(UserError):
        SimulatorConfig.from_fields(fields)


def read(config: SimulatorConfig, **request: object) -> tuple[int, str]:
    asked = read_request(json.dumps({"prompt": "hello there", **request}).encode(), config, chat=False)
    return asked.total, asked.finish


def test_output_length() -> None:
    fixed = SimulatorConfig(output_tokens=20)
    assert read(SimulatorConfig(), max_tokens=7) == (7, "length")
    assert read(fixed, max_tokens=128) == (20, "stop")
    assert read(fixed, max_tokens=7) == (7, "length")
    assert read(fixed, max_tokens=128, ignore_eos=True) == (128, "length")
    assert read(fixed, max_tokens=128, min_tokens=50) == (50, "stop")


def test_drawn_output_lengths_have_the_mean_and_repeat() -> None:
    config = SimulatorConfig(output_tokens=100, output_sigma=0.5)
    lengths = [read(config, prompt=f"prompt {k}", max_tokens=100_000)[0] for k in range(4000)]
    assert 95 < sum(lengths) / len(lengths) < 105
    assert len(set(lengths)) > 50
    assert lengths[:10] == [read(config, prompt=f"prompt {k}", max_tokens=100_000)[0] for k in range(10)]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"prompt":5}', b'{"prompt":"a","n":2}', b'{"prompt":"a","max_tokens":0.5}']
)
def test_bad_requests_are_refused(body: bytes) -> None:
    with pytest.raises(ValueError):
        read_request(body, SimulatorConfig(), chat=False)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: main(["--help"]), "python -m assay.simulator"),
        (lambda: assay(["simulate", "--help"]), "assay simulate"),
    ],
)
def test_help_names_the_command_that_was_typed(
    call: Callable[[], object], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        call()
    assert capsys.readouterr().out.startswith(f"usage: {name} ")
