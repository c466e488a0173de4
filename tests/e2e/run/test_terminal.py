"""`assay run` and `assay watch` in real terminals of 80 x 24: everything is there, and no line is broken."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.campaigns import FAST, latest, settings, write_settings
from tests.tmux import HEIGHT, WIDTH, Pane, terminals

from assay.alerts.options import Rules
from assay.runs import RunStatus

pytestmark = pytest.mark.slow

ASSAY = [sys.executable, "-m", "assay.commands.main"]
# Hours of load: who looks decides when it ends.
ENDLESS = {
    "engine": {**FAST, "ttft_ms": 40, "itl_ms": 20, "output_tokens": 40},
    "cluster": {"nodes": [{"name": "node-a", "accelerators": [0]}, {"name": "node-b", "accelerators": [1]}]},
    "queries": {"Offline": 50_000},
    # Of the others some could be raised on a slow machine, and take the lines of the screen.
    "alerts": {"rules": {name: False for name in Rules.model_fields if name != "throttling"}},
}
NUMBER = r"\d[\d,]*(\.\d+)?"
LATENCY = rf"{NUMBER} m?s"
SPARK = r"[▁▂▃▄▅▆▇█ ]*"
LOAD = [
    r"test, single campaign \(simulated\)",
    r"0 of 1 runs done(; .*)?",
    r"Offline: under load",
    rf"[━ ]{{6,16}} {NUMBER}/50,000 samples  \d:\d\d:\d\d(  about {NUMBER} .*left, by completed so far)?",
    rf"{NUMBER} samples/s, {NUMBER} tokens/s( of late)?; {NUMBER} in flight, {NUMBER} waiting",
    rf"TTFT     {SPARK} p50 {LATENCY}  p99 {LATENCY}",
    rf"TPOT     {SPARK} p50 {LATENCY}  p99 {LATENCY}",
    rf"tokens/s {SPARK}",
    r"endpoint +done +failed attempts +in flight +tokens/s",
    rf"node-a +━* +{NUMBER} +0 +{NUMBER} +{NUMBER}",
    rf"node-b +━* +{NUMBER} +0 +{NUMBER} +{NUMBER}",
    # The devices are fakes: the second says that heat slows it down.
    r"node +GPUs +busy +GPU mem +power +clock +temp +CPU +memory",
    rf"controller( +-){{6}} +{NUMBER} % +{NUMBER} %",
    r"node-a +1 +7 % +1 % +123 W( +-){4}",
    r"node-b +slowed +1 +7 % +1 % +123 W( +-){4}",
]
COLOUR = re.compile(r"\x1b\[(\d+;)*(3[0-7]|38|9[0-7])[;m]")


@pytest.fixture
def pane() -> Iterator[Callable[[str], Pane]]:
    with terminals() as made:
        yield made


def fake_nvml(folder: Path) -> Path:
    """Where the stand-in for NVML is."""
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc for the stand-in NVML")
    made, source = folder / "nvml" / "libnvidia-ml.so.1", Path(__file__).parents[2] / "rig" / "fake_nvml.c"
    made.parent.mkdir()
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(made), str(source), "-lm"], check=True)
    return made.parent


def shows_load(screen: str) -> bool:
    """Whether every line of the view is there, whole."""
    lines = screen.splitlines()
    assert len(lines) <= HEIGHT
    assert max(map(len, lines), default=0) <= WIDTH
    return all(any(re.fullmatch(pattern, line.rstrip()) for line in lines) for pattern in LOAD)


def shows_alert(screen: str) -> bool:
    """Whether it says that the second device is slowed down."""
    return any(line.startswith("! ") and "node-b" in line for line in screen.splitlines())


def test_a_live_run_is_seen_in_its_own_terminal_and_from_another(tmp_path: Path, pane: Callable[[str], Pane]) -> None:
    file = write_settings(tmp_path / "assay.yaml", settings(tmp_path / "results", **ENDLESS))
    running, watching = pane("running"), pane("watching")
    running.run([*ASSAY, "run", str(file)], tmp_path, LD_LIBRARY_PATH=str(fake_nvml(tmp_path)))
    running.wait(shows_load)
    watching.run([*ASSAY, "watch", "--output", str(tmp_path / "results")], tmp_path, NO_COLOR="1")
    watching.wait(shows_load)
    assert not COLOUR.search(watching.screen("-e"))
    assert COLOUR.search(running.wait(lambda shown: "━" in shown, "-e"))

    watching.wait(lambda shown: shows_load(shown) and shows_alert(shown))
    watching.press("C-c")  # ends the watching only
    assert watching.ended().endswith("ended with 0")
    before = latest(tmp_path / "results")[1].runs[0]
    assert not before.ended
    running.wait(shows_load)

    running.press("C-c")
    said = running.ended()
    assert said.endswith("ended with 130")
    assert "\nassay: SIGINT: closing what is under way and taking servers down\n" in said
    assert "assay: interrupted; what was measured is kept" in said
    assert "under load" not in said, "what was drawn is gone"
    folder, state = latest(tmp_path / "results")
    assert [entry.status for entry in state.runs] == [RunStatus.INTERRUPTED]

    watching = pane("afterwards")
    watching.run([*ASSAY, "watch", str(folder.path)], tmp_path)
    assert "Offline: stopped at " in watching.ended()


def test_what_takes_its_time_is_said_and_for_how_long(tmp_path: Path, pane: Callable[[str], Pane]) -> None:
    file = write_settings(tmp_path / "assay.yaml", settings(tmp_path / "results"))
    running = pane("running")
    running.run([*ASSAY, "run", str(file)], tmp_path)
    said = running.ended()
    assert said.endswith("ended with 0")
    lines = said.splitlines()
    assert max(map(len, lines)) <= WIDTH
    for words in (
        "starting simulated on node-a, node-b",
        "taking servers down",
        "report of Offline",
        "report of the campaign",
    ):
        assert any(re.fullmatch(rf"{words}: {NUMBER} s", line) for line in lines), words
    assert "under load" not in said
    assert len(lines) > HEIGHT
    last = running.screen().splitlines()  # what doesn't fit on it went out at the top
    assert any(line.startswith("answer: ") for line in last)
    assert any(line.startswith("report: ") for line in last)
