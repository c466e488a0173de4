"""A campaign followed from its files: early, late, over, or left by a controller that is gone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.following import GONE_PID, alert, begin, campaign, entry, progress, sketch

from assay.errors import UserError
from assay.runs import RunStatus
from assay.runs.alerts import append_alert
from assay.runs.progress import append_event
from assay.runs.shapes import ConcurrencyShape
from assay.watch import Follower, newest
from assay.watch.course import Course, Pace
from assay.watch.follow import Left
from assay.watch.words import runs_words

MS = 1_000_000


def test_before_the_first_run_there_is_a_plan(tmp_path: Path) -> None:
    scene = Follower(campaign(tmp_path / "c", [entry(0), entry(1)])).poll()
    assert (scene.run, scene.done, scene.over) == (None, 0, False)


def test_the_run_that_is_on_is_followed_as_it_grows(tmp_path: Path) -> None:
    folder = campaign(tmp_path / "c", [entry(0, "run-0"), entry(1)])
    follower = Follower(folder)
    assert follower.poll().course.newest is None
    begin(folder, "run-0", progress(1, 40))
    scene = follower.poll()
    assert scene.title == "Offline, run 1 of 2"
    assert scene.course.newest is not None
    assert scene.course.newest.completed == 40
    append_event(folder.run("run-0").progress, progress(3, 100))
    assert follower.poll().course.pace() == Pace(samples_per_s=30, tokens_per_s=3000)


def test_the_next_run_takes_over(tmp_path: Path) -> None:
    folder = campaign(tmp_path / "c", [entry(0, "run-0"), entry(1)])
    begin(folder, "run-0", progress(1, 40))
    follower = Follower(folder)
    follower.poll()
    campaign(tmp_path / "c", [entry(0, "run-0", RunStatus.COMPLETED), entry(1, "run-1")])
    begin(folder, "run-1", progress(1, 7))
    scene = follower.poll()
    assert (scene.title, scene.done) == ("Offline, run 2 of 2", 1)
    assert scene.course.newest is not None
    assert scene.course.newest.completed == 7


def test_who_joins_late_sees_what_was(tmp_path: Path) -> None:
    folder = campaign(tmp_path / "c", [entry(0, "run-0")])
    begin(folder, "run-0", *(progress(second, 10 * second) for second in range(1, 40)))
    course = Follower(folder).poll().course
    assert [point.samples_per_s for point in course.points] == [10] * 38


def test_over_stopped_and_crashed_are_told_apart(tmp_path: Path) -> None:
    done = [entry(0, "run-0", RunStatus.COMPLETED)]
    over = Follower(campaign(tmp_path / "over", done, ended_utc="2026-01-01T01:00:00Z")).poll()
    assert over.over
    assert over.controller == "over since 1 Jan 2026, 01:00:00 UTC"
    crashed = Follower(campaign(tmp_path / "crashed", [entry(0, "run-0")], pid=GONE_PID)).poll()
    assert crashed.over
    assert crashed.controller == f"its controller, process {GONE_PID}, isn't running on this machine"


def test_a_controller_that_can_be_no_process_is_a_damaged_file(tmp_path: Path) -> None:
    folder = campaign(tmp_path / "c", [entry(0)])
    folder.state.write_text(folder.state.read_text().replace(f'"pid": {os.getpid()}', f'"pid": {2**62}'))
    with pytest.raises(UserError, match=r"can't be read as a campaign: sessions\.0\.pid"):
        Follower(folder).poll()


def test_alerts_stand_until_they_are_cleared_or_the_next_run_begins(tmp_path: Path) -> None:
    folder = campaign(tmp_path / "c", [entry(0, "run-0"), entry(1)])
    follower = Follower(folder)
    assert follower.poll().alerts == []
    append_alert(folder.run("run-0").alerts, alert("disk", "node-a"))
    append_alert(folder.run("run-0").alerts, alert("temperature", "node-b"))
    assert [one.subject for one in follower.poll().alerts] == ["node-a", "node-b"]
    append_alert(folder.run("run-0").alerts, alert("disk", "node-a", "cleared"))
    assert [one.rule for one in follower.poll().alerts] == ["temperature"]
    assert [one.rule for one in Follower(folder).poll().alerts] == ["temperature"]
    campaign(tmp_path / "c", [entry(0, "run-0", RunStatus.COMPLETED), entry(1, "run-1")])
    begin(folder, "run-1", progress(1, 7))
    assert follower.poll().alerts == []


def test_latencies_are_those_of_late() -> None:
    course = Course()
    slow, fast = [100 * MS] * 5, [10 * MS] * 9
    course.take(progress(1, 5, ttft=sketch(*slow)))
    course.take(progress(2, 14, ttft=sketch(*slow, *fast)))
    (point,) = course.points
    assert point.ttft_p50_ns == pytest.approx(10 * MS, rel=0.021)
    course.take(progress(12, 14, ttft=sketch(*slow, *fast)))
    assert course.points[-1].ttft_p50_ns is None


def test_time_left_rests_on_runs_like_those_to_come(tmp_path: Path) -> None:
    folder = campaign(tmp_path / "c", [entry(0, "run-0"), entry(0, node="node-b")])
    begin(folder, "run-0", progress(1, 40))
    scene = Follower(folder).poll()
    assert scene.left == Left(90, unknown=1)
    assert runs_words(scene) == "0 of 2 runs done; 1 run to come is unlike any that has ended: 90 s at least are left"
    folder = campaign(tmp_path / "d", [entry(0, "run-0")])
    begin(folder, "run-0", progress(1, 40))
    assert Follower(folder).poll().left.known_s == 90


def test_a_run_with_a_duration_takes_that_long_at_least(tmp_path: Path) -> None:
    shape = ConcurrencyShape(concurrency=8, duration_s=60)
    planned = entry(1).model_copy(update={"shape": shape})
    folder = campaign(tmp_path / "c", [entry(0, "run-0"), planned])
    begin(folder, "run-0", progress(1, 40))
    scene = Follower(folder).poll()
    assert (scene.left, scene.left.known_s) == (Left(150, least=1), None)
    assert runs_words(scene) == "0 of 2 runs done; all over in 2 min at least: so long the plan sends requests"
    sooner = planned.model_copy(update={"shape": shape.model_copy(update={"requests": 5})})
    assert Follower(campaign(tmp_path / "d", [sooner])).poll().left == Left(0, unknown=1)


def test_the_newest_campaign_is_found(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no campaign in"):
        newest(tmp_path)
    campaign(tmp_path / "20260101T000000Z-a", [entry(0)])
    last = campaign(tmp_path / "20260102T000000Z-b", [entry(0)])
    assert newest(tmp_path) == last
