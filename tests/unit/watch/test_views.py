"""Both views of a campaign: one screen of any size, and lines."""

from __future__ import annotations

import io
import re
import time
from pathlib import Path

import pytest
from rich.console import Console
from tests.following import GONE_PID, alert, begin, campaign, entry, progress, sample, sketch

from assay.runs import SystemRecord, write_json
from assay.runs.alerts import append_alert
from assay.runs.progress import PhaseEvent, append_event
from assay.watch import Follower, Narrator, Scene, screen
from assay.watch.follow import Limits
from assay.watch.screen import spark
from assay.watch.words import headline, span

MS = 1_000_000
SECOND = 1_000_000_000
GIB = 1 << 30


def drawn(scene: Scene, width: int = 80, height: int = 24) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    with console.capture() as captured:
        console.print(screen(scene, width, height))
    return [line.rstrip() for line in captured.get().splitlines()]


def scene_of(tmp_path: Path, *events: tuple[float, int], **more: tuple[str, ...]) -> Scene:
    folder = campaign(tmp_path / "c", [entry(0, "run-0")])
    begin(folder, "run-0", *(progress(at_s, count, ttft=sketch(200 * MS), **more) for at_s, count in events))  # type: ignore[arg-type]
    return Follower(folder).poll()


def test_everything_is_on_one_screen(tmp_path: Path) -> None:
    lines = drawn(scene_of(tmp_path, (1, 40), (3, 100)))
    text = "\n".join(lines)
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert "two nodes, scaling campaign (simulated)" in text
    assert "100/1,000 samples  0:00:03  about 90 s left" in text
    assert "30 samples/s, 3,000 tokens/s of late; 16 in flight, 884 waiting" in text
    rows = {line.split()[0]: line.split() for line in lines if line.startswith("node-")}
    assert rows["node-a"][-4:] == ["75", "0", "8", "2,250"]
    assert rows["node-b"][-4:] == ["25", "0", "8", "750"]


def test_a_limit_that_is_exceeded_is_said(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, (1, 40), (3, 100))
    assert "limit" not in "\n".join(drawn(scene))
    limited = Scene(**{**scene.__dict__, "limits": Limits(ttft_ns=100 * MS, tpot_ns=None)})
    assert "limit 100 ms, exceeded" in "\n".join(drawn(limited))


def test_of_many_endpoints_those_that_are_out_come_first(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, (1, 40), (3, 100))
    assert scene.course.newest is not None
    one = scene.course.newest.endpoints["node-a"]
    names = [f"node-{number:04d}" for number in range(1000)]
    endpoints = {name: one.model_copy(update={"out": name == "node-0777"}) for name in names}
    scene.course.take(scene.course.newest.model_copy(update={"endpoints": endpoints}))
    lines = drawn(scene)
    assert len(lines) <= 24
    rows = [line for line in lines if line.startswith("node-")]
    assert rows[0].startswith("node-0777")
    assert "out of service" in rows[0]
    assert f"and {1000 - len(rows)} more" in lines


def test_endpoints_are_as_they_were_told_of_last(tmp_path: Path) -> None:
    """Between two events that tell of them, others don't; their pace is what was between the two."""
    folder = campaign(tmp_path / "c", [entry(0, "run-0")])
    told = [progress(1, 40), progress(13, 340, out=("node-b",))]
    silent = [progress(at_s, count).model_copy(update={"endpoints": {}}) for at_s, count in ((5, 140), (17, 540))]
    begin(folder, "run-0", told[0], silent[0], told[1], silent[1])
    scene = Follower(folder).poll()
    rows = {line.split()[0]: line.split() for line in drawn(scene) if line.startswith("node-")}
    assert rows["node-a"][-4:] == ["255", "0", "8", "1,875"]
    assert "node-b is out of service" in Narrator().tell(scene)


def test_what_a_server_wrote_can_not_steer_the_terminal(tmp_path: Path) -> None:
    folder = campaign(tmp_path / "c", [entry(0, "run-0")])
    begin(folder, "run-0", progress(1, 40))
    folder.run("run-0").driver_log.write_text("hello \x1b[2J\x07 world\n")
    text = "\n".join(drawn(Follower(folder).poll()))
    assert "driver.log: hello" in text
    assert "\x1b" not in text


def test_lines_are_told_once_and_outages_at_once(tmp_path: Path) -> None:
    folder = campaign(tmp_path / "c", [entry(0, "run-0")])
    begin(folder, "run-0", progress(1, 40))
    follower, narrator = Follower(folder), Narrator()
    first = narrator.tell(follower.poll())
    assert first[0] == "two nodes, scaling campaign (simulated)"
    assert first[-1].startswith("40/1,000 samples; ")
    assert narrator.tell(follower.poll()) == []
    append_event(folder.run("run-0").progress, progress(2, 60, out=("node-b",)))
    assert narrator.tell(follower.poll()) == ["node-b is out of service"]
    append_event(folder.run("run-0").progress, progress(12, 300))
    back, line = narrator.tell(follower.poll())
    assert back == "node-b is back"
    assert line.startswith("300/1,000 samples; ")


def with_hardware(tmp_path: Path, nodes: int = 2) -> Scene:
    """Nodes of eight accelerators, the last of which slows one down; an alert about each; a log."""
    folder = campaign(tmp_path / "c", [entry(0, "run-0")])
    begin(folder, "run-0", *(progress(at_s, 12345 * at_s, ttft=sketch(1234 * MS)) for at_s in range(1, 5)))
    names = [f"node-{number:02d}" for number in range(nodes)]
    rows = [("controller", "cpu_percent", 1.0, 45.0), ("controller", "memory_used_bytes", 1.0, 4.0 * GIB)]
    for name in names:
        rows += [(name, "cpu_percent", 1.0, 12.0)]
        for gpu in range(8):
            slowed = 64.0 if (name, gpu) == (names[-1], 3) else 0.0
            readings = {"utilization_percent": 97.0, "memory_used_bytes": 60.0 * GIB, "power_w": 612.5}
            readings |= {"sm_clock_mhz": 1980.0 - gpu, "temperature_c": 60.0 + gpu, "throttle_reasons": slowed}
            rows += [(name, f"gpu{gpu}_{metric}", 1.0, value) for metric, value in readings.items()]
        append_alert(folder.run("run-0").alerts, alert("temperature", name))
    sample(folder, "run-0", *rows)
    facts = [{"index": gpu, "name": "GPU", "memory_total_bytes": 80 * GIB} for gpu in range(8)]
    system = SystemRecord(
        controller={"name": "controller"}, nodes=[{"name": names[0], "accelerators": facts}], versions={}
    )
    write_json(folder.run("run-0").system, system)
    folder.run("run-0").driver_log.write_text("".join(f"{'long ' * 40}\n" for _ in range(9)))
    return Follower(folder).poll()


def test_hardware_and_alerts_are_on_the_screen(tmp_path: Path) -> None:
    scene = with_hardware(tmp_path)
    lines = drawn(scene)
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert "! The temperature of node-01 is at 95 %." in lines
    assert "! The temperature of node-00 is at 95 %." in lines
    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in lines}
    assert rows["controller"] == "- - - - - - 45 %"  # there is no room for hosts' memory
    # Of the second node all that there is isn't known, and one of its eight accelerators is slowed.
    assert rows["node-00"] == "8 97 % 75 % 4,900 W 1,973 MHz 67 °C 12 %"
    assert rows["node-01"] == "slowed 8 97 % 480.0 GiB 4,900 W 1,973 MHz 67 °C 12 %"
    (controller,) = [line for line in drawn(scene, 100) if line.startswith("controller")]
    assert controller.endswith("45 %  4.0 GiB")
    assert any(line.startswith("driver.log: long long") and line.endswith("…") for line in lines)


def test_of_many_nodes_those_that_are_slowed_down_come_first(tmp_path: Path) -> None:
    lines = drawn(with_hardware(tmp_path, nodes=40))
    assert len(lines) <= 24
    after = lines[next(place for place, line in enumerate(lines) if line.startswith("node ")) + 1 :]
    assert after[0].split()[:2] == ["node-39", "slowed"]
    assert any(re.fullmatch(r"and \d\d more", line) for line in after)
    assert any(re.fullmatch(r"! \d\d more alerts", line) for line in lines)


def test_on_no_screen_is_a_number_cut_or_broken(tmp_path: Path) -> None:
    scene = with_hardware(tmp_path)
    number = re.compile(r"\d[\d,.:/]*")
    known = {found.rstrip(".,:;") for line in drawn(scene, 200, 60) for found in number.findall(line)}
    for width in range(36, 120, 7):
        for height in range(8, 40, 5):
            lines = drawn(scene, width, height)
            assert len(lines) <= height
            assert max(map(len, lines)) <= width
            own = [
                line for line in lines if not re.search(r"\d (more|alerts?)\b", line)
            ]  # how many others there are hangs on the room
            seen = {found.rstrip(".,:;") for line in own for found in number.findall(line)}
            assert seen <= known, (width, height)


def test_a_small_screen_still_says_percentiles_alerts_and_endpoints(tmp_path: Path) -> None:
    text = "\n".join(drawn(with_hardware(tmp_path), 80, 12))
    for words in ("under load", "TTFT p50 1.23 s  p99 1.23 s", "! The temperature of node-01", "tokens/s"):
        assert words in text


def test_lines_tell_hardware_and_alerts(tmp_path: Path) -> None:
    scene, narrator = with_hardware(tmp_path), Narrator()
    lines = narrator.tell(scene)
    assert "alert: The temperature of node-00 is at 95 %." in lines
    told = "GPU 97 %, GPU memory 480.0 GiB, power 4,900 W, clock 1,973 MHz, temperature 67 °C, CPU 12 %"
    assert lines[-2:] == [
        f"node-00: {told.replace('480.0 GiB', '75 %')}",
        f"node-01: slowed, {told}",
    ]
    over = Scene(**{**scene.__dict__, "alerts": scene.alerts[1:]})
    assert narrator.tell(over) == ["alert over: The temperature of node-00 is at 95 %."]


def test_once_all_is_answered_no_time_is_left(tmp_path: Path) -> None:
    folder = campaign(tmp_path / "c", [entry(0, "run-0")])
    endless = progress(1, 40).model_copy(update={"expected": None})
    begin(folder, "run-0", endless)
    assert "about 90 s left" in "\n".join(drawn(Follower(folder).poll()))
    append_event(folder.run("run-0").progress, PhaseEvent(time_ns=2 * SECOND, clock_offset_ns=0, phase="closing"))
    assert "left" not in "\n".join(drawn(Follower(folder).poll()))


def test_of_what_nobody_carries_on_no_time_is_left(tmp_path: Path) -> None:
    folder = campaign(tmp_path / "c", [entry(0, "run-0")], pid=GONE_PID)
    begin(folder, "run-0", progress(1, 40), progress(3, 100))
    scene = Follower(folder).poll()
    for said in ("\n".join(drawn(scene)), "\n".join(Narrator().tell(scene))):
        assert "100/1,000 samples" in said
        assert "left" not in said


def test_a_phase_that_lasts_says_for_how_long(tmp_path: Path) -> None:
    folder = campaign(tmp_path / "c", [entry(0, "run-0")])
    begin(folder, "run-0", progress(1, 40))
    offset_ns = time.time_ns() - 12 * SECOND
    append_event(folder.run("run-0").progress, PhaseEvent(time_ns=0, clock_offset_ns=offset_ns, phase="closing"))
    text = "\n".join(drawn(Follower(folder).poll()))
    assert re.search(r"putting the records together, for 1\d s", text)
    assert "for 1" not in "\n".join(Narrator().tell(Follower(folder).poll()))  # else it would be told again and again


@pytest.mark.parametrize(
    ("values", "drawn_as"),
    [([0, 0], ""), ([], ""), ([1.0, None, 8.0], "▂ █"), ([4.0] * 50, "█" * 30), ([-90.0, 8.0], "▁█")],
)
def test_sparks_begin_at_zero_and_leave_gaps(values: list[float | None], drawn_as: str) -> None:
    assert spark(values) == drawn_as


def test_a_campaign_named_as_its_kind_is_called_once(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, (1, 40))
    assert headline(scene) == "two nodes, scaling campaign (simulated)"
    scene.state.name = "scaling"
    assert headline(scene) == "scaling campaign (simulated)"


def test_times_are_said_as_people_do() -> None:
    assert [span(seconds) for seconds in (8.4, 600, 18 * 3600 + 300)] == ["8 s", "10 min", "18 h 5 min"]


def test_tries_at_an_endpoint_that_failed_are_told_as_such(tmp_path: Path) -> None:
    """Their samples may be answered elsewhere, and haven't failed then."""
    assert "failed attempts" in "\n".join(drawn(scene_of(tmp_path, (1, 40), (3, 100))))
