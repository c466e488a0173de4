"""Both views of a campaign: one screen of any size, and lines."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console
from tests.following import begin, campaign, entry, progress, sketch

from assay.runs.progress import append_event
from assay.watch import Follower, Narrator, Scene, screen
from assay.watch.follow import Limits
from assay.watch.screen import spark
from assay.watch.words import span

MS = 1_000_000


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
    assert "100/1,000 samples 0:00:03 about 90 s left" in text
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


@pytest.mark.parametrize(
    ("values", "drawn_as"),
    [([0, 0], ""), ([], ""), ([1.0, None, 8.0], "▂ █"), ([4.0] * 50, "█" * 30)],
)
def test_sparks_begin_at_zero_and_leave_gaps(values: list[float | None], drawn_as: str) -> None:
    assert spark(values) == drawn_as


def test_times_are_said_as_people_do() -> None:
    assert [span(seconds) for seconds in (8.4, 600, 18 * 3600 + 300)] == ["8 s", "10 min", "18 h 5 min"]
