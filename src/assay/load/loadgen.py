"""LoadGen's settings and its test, as the rules and its Python binding ask for them.

The binding's pitfalls are many (a second FromConfig skips the built-in file, an exception in a callback aborts the
process, completions from two threads reorder the log), so this module is the only one that touches it, and a test runs
in a process of its own. Settings alone can be made anywhere: the built-in file is read each time, and by its number.
"""

from __future__ import annotations

import errno
import sys
import threading
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import mlperf_loadgen as lg

from assay.benchmarks.user_conf import read_user_conf
from assay.errors import UserError
from assay.load.plan import LoadgenSettings, LoadPlan
from assay.load.source import Answer, EndCallback, FirstToken, IssueCallback, Issues, Schedule
from assay.runs import RunFolder, read_detail, read_summary, write_text
from assay.runs.scenarios import Mode

_BUILT_IN_ONLY = 0
_USER_CONF = 2
_SCENARIOS = {
    "Offline": lg.TestScenario.Offline,
    "Server": lg.TestScenario.Server,
    "SingleStream": lg.TestScenario.SingleStream,
}

NETWORK_SUT = "Network SUT (Assay)"
"""What the network division's checker looks for in LoadGen's log: a name with these first two words."""
COALESCED_FROM_QPS = 10_000
"""From this rate on a callback for each sample would be what LoadGen waits for."""
_NOT_COALESCED = {"coalesce_queries", "max_query_count", "max_duration"}
"""Where a user.conf says one of these: LoadGen looks at its limits between two callbacks, and would pass them."""


def write_user_conf(settings: LoadgenSettings, folder: Path) -> Path:
    """The run's `user.conf`: what the user's own file says, and what it leaves to Assay.

    That is the target rate, and at high rates that LoadGen hands over together what it is late with; each sample keeps
    the time that it was scheduled for, from which LoadGen counts. A line of Assay's own would hide a user's
    `*.Server.target_qps`: LoadGen takes the most particular one.
    """
    own = read_user_conf(Path(settings.user_conf)) if settings.user_conf else None
    model, scenario, rate = settings.model, settings.scenario, settings.target_qps
    given = {} if own is None else dict(own.applying(model, scenario))
    lines = []
    if rate is not None and scenario != "SingleStream" and "target_qps" not in given:
        lines.append(f"{model}.{scenario}.target_qps = {rate}")
    if rate is not None and scenario == "Server" and rate >= COALESCED_FROM_QPS and not given.keys() & _NOT_COALESCED:
        lines.append(f"{model}.{scenario}.coalesce_queries = 1")
    if own is not None:
        lines.append(own.text)
    path = folder / "user.conf"
    write_text(path, "\n".join(lines) + "\n")
    return path


def test_settings(loadgen: LoadgenSettings, mode: Mode, samples: int, folder: Path) -> Any:
    """TestSettings for a run: the rules' own, then the user's, then (short runs only) the shorter limits.

    `folder` gets the `user.conf` that LoadGen reads.
    """
    settings = lg.TestSettings()
    settings.FromConfig("", loadgen.model, loadgen.scenario, _BUILT_IN_ONLY)
    user_conf = write_user_conf(loadgen, folder)
    if settings.FromConfig(str(user_conf), loadgen.model, loadgen.scenario, _USER_CONF) != 0:
        raise UserError(f"LoadGen can't read {loadgen.user_conf or user_conf}: lines are 'model.scenario.key = value'")
    settings.scenario = _SCENARIOS[loadgen.scenario]
    settings.mode = lg.TestMode.AccuracyOnly if mode == "accuracy" else lg.TestMode.PerformanceOnly
    if loadgen.own_sample_count:
        settings.performance_sample_count_override = samples
        settings.min_query_count = samples if loadgen.scenario != "Server" else settings.min_query_count
    if loadgen.ttft_limit_ns is not None and loadgen.tpot_limit_ns is not None:
        settings.ttft_latency, settings.tpot_latency = loadgen.ttft_limit_ns, loadgen.tpot_limit_ns
    if not loadgen.official:
        _shorten(settings, loadgen, samples)
    return settings


def audited(settings: Any, loadgen: LoadgenSettings, audit_config: Path) -> None:
    """Change `settings` as LoadGen does at its start where there is an `audit.config` (loadgen.cc, `StartTest`)."""
    settings.FromConfig(str(audit_config), "*", loadgen.scenario, _USER_CONF)


def _shorten(settings: Any, loadgen: LoadgenSettings, samples: int) -> None:
    queries = loadgen.queries or samples
    settings.performance_sample_count_override = samples
    settings.min_duration_ms = loadgen.min_duration_ms or 0
    settings.min_query_count = queries
    # With permutations LoadGen issues whole epochs; for a part of one it must draw samples instead.
    settings.sample_concatenate_permutation = queries % samples == 0


class Test:
    """One LoadGen test as a source of load; it issues, and says that it is over, from a thread of its own."""

    def __init__(self, plan: LoadPlan, issue: IssueCallback, on_end: EndCallback) -> None:
        self._plan = plan
        self._issue = issue
        self._on_end = on_end
        assert plan.loadgen is not None
        self._settings = test_settings(plan.loadgen, plan.mode, plan.samples, Path(plan.folder))
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="loadgen", daemon=True)

    @property
    def schedule(self) -> Schedule:
        return Schedule(self._settings.schedule_rng_seed, self._settings.server_target_qps)

    def start(self, now_ns: int) -> None:
        if not self._settings.server_coalesce_queries:  # one that comes with several may wait for the main thread
            sys.setswitchinterval(0.0002)  # LoadGen's thread must not wait 5 ms for the main thread to let go
        self._thread.start()

    def next_due_ns(self) -> int | None:
        """LoadGen keeps its own time."""
        return None

    def issue_due(self, now_ns: int) -> None:
        """LoadGen issues from its own thread."""

    def first_tokens(self, tokens: Sequence[FirstToken]) -> None:
        if tokens:
            _respond(lg.FirstTokenComplete, [(token.query, token.data, 1) for token in tokens])

    def complete(self, answers: Sequence[Answer]) -> None:
        if answers:
            _respond(lg.QuerySamplesComplete, [(answer.query, answer.data, answer.tokens) for answer in answers])

    def _on_issue(self, queries: list[Any]) -> None:
        # An exception that left this function would abort the process and take LoadGen's logs with it.
        try:
            self._issue(Issues([query.id for query in queries], [query.index for query in queries]))
        except Exception as error:
            self._failure = error
            self._on_end(error)

    def _run(self) -> None:
        error: BaseException | None
        try:
            self._test()
            error = cut_off(RunFolder(Path(self._plan.folder)))
        except Exception as raised:  # else nobody heard of the end
            error = raised
        if self._failure is None:
            self._on_end(error)

    def _test(self) -> None:
        output = lg.LogOutputSettings()
        output.outdir = self._plan.folder
        output.copy_summary_to_stdout = False
        log = lg.LogSettings()
        log.log_output = output
        log.enable_trace = False
        assert self._plan.loadgen is not None
        sut = _system(self._plan.loadgen, self._on_issue)
        qsl = lg.ConstructQSL(self._plan.samples, self._plan.samples, _ignore, _ignore)
        # The default, audit.config in the working directory, could turn a run into another one unseen.
        audit_config = str(Path(self._plan.folder) / "audit.config")
        lg.StartTestWithLogSettings(sut, qsl, self._settings, log, audit_config)


def cut_off(folder: RunFolder) -> OSError | None:
    """The log that LoadGen didn't write to its end, where there is one: it says nothing of a disk that takes no more.

    Where it can't open its logs it runs no test, and returns as if it had.
    """
    whole: dict[Path, Callable[[Path], bool]] = {
        folder.loadgen_summary: lambda path: read_summary(path).complete,
        folder.loadgen_detail: lambda path: read_detail(path).complete,
        folder.loadgen_accuracy: _is_closed,
    }
    for path, is_whole in whole.items():
        if not path.exists() or not is_whole(path):
            return OSError(
                errno.EIO, "LoadGen couldn't write it to its end: the disk took no more, or failed", str(path)
            )
    return None


def _is_closed(accuracy: Path) -> bool:
    """Whether the list ends: of a long run it is too long to be read for that."""
    with accuracy.open("rb") as file:
        file.seek(max(0, file.seek(0, 2) - 8))
        return file.read().rstrip().endswith(b"]")


def _system(loadgen: LoadgenSettings, on_issue: Callable[[list[Any]], None]) -> Any:
    """What LoadGen takes for the system under test; it can be named only where a network lies between."""
    if loadgen.over_network:
        return lg.ConstructQDL(on_issue, _nothing, lambda: NETWORK_SUT)
    return lg.ConstructSUT(on_issue, _nothing)


def _nothing() -> None:
    """Nothing is held back that LoadGen could flush."""


def _ignore(samples: list[int]) -> None:
    """All samples are in memory for the whole run."""


def _respond(call: Callable[[list[Any]], None], queries: list[tuple[int, bytes, int]]) -> None:
    buffer = array("B", b"".join(data for _, data, _ in queries))
    position = buffer.buffer_info()[0]
    responses = []
    for query, data, tokens in queries:
        responses.append(lg.QuerySampleResponse(query, position, len(data), tokens))
        position += len(data)
    call(responses)  # LoadGen copies the bytes before it returns
