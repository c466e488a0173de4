#!/usr/bin/env python3
"""Random faults, kills and resumes on small campaigns with simulated servers, and what must hold after each.

Each case is drawn from the seed and its number: a load, servers with faults, and up to three processes of the campaign
that are ended at some point of its course. After each the campaign is resumed, until one goes undisturbed to its end.
Draws are the seed's; which request a fault or a kill meets is up to the machine.

Only processes that carry the case's own mark in their environment are ended. A case that fails keeps its folder.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import chaos_checks as checks
import yaml
from chaos_cases import Case, Kill, bench_arguments, draw, is_bench, server_options, settings
from chaos_processes import MARK, end, in_charge, marked, words

from assay.cluster import guard
from assay.runs import CampaignFolder, RunFolder, read_campaign
from assay.runs.campaign import find_campaigns

_END_LIMIT_S = 180.0
_GONE_LIMIT_S = 30.0
_POLL_S = 0.01
_TRUTH_S = 1.2  # a server writes what it did once a second
_TRIES = 4
# An answer is in the journal a moment after it was sent: 0.2 s later, or more where the machine is busy.
_FLUSH_NS = 2_000_000_000

_PROGRAMS = {"driver": "assay.load.driver", "worker": "assay.load.worker", "server": "assay.simulator"}


@dataclass
class Totals:
    """What happened, over all cases. All below `seconds` must stay empty for the outcome to be good."""

    runs: int = 0
    """Run folders."""
    faults: int = 0
    """Requests that a server's fault has hit."""
    kills: int = 0
    resumes: int = 0
    seconds: float = 0.0
    unbalanced: list[str] = field(default_factory=list)
    left_running: list[str] = field(default_factory=list)
    left_folders: list[str] = field(default_factory=list)
    lost_answers: list[str] = field(default_factory=list)
    tracebacks: list[str] = field(default_factory=list)
    wrong_ends: list[str] = field(default_factory=list)
    """Controllers that hung, or whose exit code or last word isn't what they did."""

    @property
    def problems(self) -> dict[str, list[str]]:
        return {name: value for name, value in asdict(self).items() if isinstance(value, list) and value}

    def add(self, other: Totals) -> None:
        for name, value in asdict(other).items():
            setattr(self, name, getattr(self, name) + value)


class Trial:
    """One case, carried out in a folder of its own."""

    def __init__(self, case: Case, folder: Path) -> None:
        self.totals = Totals()
        self._case = case
        self._folder = folder
        self._mark = uuid.uuid4().hex
        self._log = folder / "controller.log"
        self._scratch = folder / "tmp"
        self._truth = folder / "truth"
        self._output = folder / "results"
        self._servers: dict[int, subprocess.Popen[bytes]] = {}
        self._answers: checks.Answers = {}
        for place in (self._scratch, self._truth):
            place.mkdir(parents=True)
        (folder / "case.json").write_text(json.dumps(asdict(case), indent=2) + "\n")

    def carry_out(self) -> None:
        """All disturbances, then to the end, then the checks. Nothing that was started is left."""
        try:
            for kill in self._case.kills:
                self._controller(kill)
            for _ in range(_TRIES):  # a fault may end one before its first run
                if self._over:
                    break
                self._controller(None)
            self._check_end()
        finally:
            for server in self._servers.values():
                server.terminate()
            for pid in marked(self._mark):
                end(pid, self._mark, signal.SIGKILL)
            for server in self._servers.values():
                server.wait(20)

    @property
    def _campaign(self) -> CampaignFolder | None:
        found = find_campaigns(self._output)
        return found[-1] if found else None

    @property
    def _over(self) -> bool:
        campaign = self._campaign
        return campaign is not None and not read_campaign(campaign).todo and campaign.report.exists()

    def _controller(self, kill: Kill | None) -> None:
        self._serve()
        known = self._runs()
        if self._campaign:
            self.totals.resumes += 1
            arguments = ["run", "--resume", str(self._campaign.path)]
        else:
            arguments = self._arguments()
        with self._log.open("ab") as log:
            log.write(f"\n== assay {' '.join(arguments)}\n".encode())
            log.flush()
            told_from = log.tell()
            controller = subprocess.Popen(
                [sys.executable, "-m", "assay.commands.main", *arguments],
                env={**os.environ, MARK: self._mark, "TMPDIR": str(self._scratch)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until_ns = self._disturb(controller, kill, known) if kill else float("inf")
        disturbed = kill is not None and until_ns != float("inf")
        try:
            code = controller.wait(_END_LIMIT_S)
        except subprocess.TimeoutExpired:
            controller.kill()
            controller.wait()
            self.totals.wrong_ends.append(f"no end within {_END_LIMIT_S:.0f} s, {kill}")
            return
        said = self._log.read_bytes()[told_from:].decode(errors="replace")
        self._check_code(code, said, kill if disturbed else None)
        self._check_gone()
        self._check_answers(known, until_ns)

    def _serve(self) -> None:
        """Servers that the campaign finds running: those that a fault has ended are started again."""
        if self._case.own_servers:
            return
        for node in range(self._case.nodes):
            if node in self._servers and self._servers[node].poll() is None:
                continue
            port_file = self._port_file(node)
            port = port_file.read_text().strip() if port_file.exists() else "0"
            port_file.unlink(missing_ok=True)
            place = ["--port", port, "--port-file", str(port_file)]
            options = [*place, "--truth", str(self._truth / f"node-{node}.jsonl"), *server_options(self._case, node)]
            # Below the guard, which takes the server down should this process be killed.
            command = [sys.executable, str(Path(guard.__file__)), "--parent", str(os.getpid()), "--grace", "5", "--"]
            with (self._folder / f"server-{node}.log").open("ab") as log:
                self._servers[node] = subprocess.Popen(
                    [*command, sys.executable, "-m", "assay.simulator", *options], stdout=log, stderr=log
                )
            give_up_s = time.monotonic() + 60
            while not port_file.exists():
                if time.monotonic() > give_up_s or self._servers[node].poll() is not None:
                    raise RuntimeError(f"a simulated server doesn't come up: {self._folder}/server-{node}.log")
                time.sleep(_POLL_S)

    def _port_file(self, node: int) -> Path:
        return self._folder / f"port-{node}"

    def _arguments(self) -> list[str]:
        urls = [f"http://127.0.0.1:{self._port_file(node).read_text().strip()}" for node in self._servers]
        if is_bench(self._case):
            return bench_arguments(self._case, urls, self._output)
        file = self._folder / "assay.yaml"
        file.write_text(yaml.safe_dump(settings(self._case, urls, self._output, self._truth)))
        return ["run", str(file)]

    def _disturb(self, controller: subprocess.Popen[bytes], kill: Kill, known: set[str]) -> float:
        """End what is to be ended, when it is time; when that was, ns; infinity where all was over before."""
        reached = self._reached(controller, kill.phase, known)
        while controller.poll() is None and not reached():
            time.sleep(_POLL_S)
        time.sleep(kill.delay_s)
        if kill.target == "controller":
            chosen = [controller.pid]
        else:
            chosen = [pid for pid in marked(self._mark) if f"-m {_PROGRAMS[kill.target]} " in words(pid)][:1]
        hit = False
        for number in kill.signals:
            hit |= any(end(pid, self._mark, signal.Signals[number]) for pid in chosen)
            time.sleep(0.3 if len(kill.signals) > 1 else 0)
        self.totals.kills += hit
        return time.monotonic_ns() - _FLUSH_NS if hit else float("inf")

    def _reached(self, controller: subprocess.Popen[bytes], phase: str, known: set[str]) -> Callable[[], bool]:
        """Whether this controller has got so far, by what it wrote."""

        def wrote(*names: str) -> bool:
            return any(
                path.stat().st_size
                for run in self._runs() - known
                for name in names
                if (path := self._output / run / name).exists()
            )

        def measured() -> bool:
            campaign = self._campaign
            over = campaign is not None and not read_campaign(campaign).todo
            return over and in_charge(controller.pid)  # before that the interpreter's own start would be hit

        looks: dict[str, Callable[[], bool]] = {
            "start": lambda: in_charge(controller.pid),
            "servers": lambda: self._campaign is not None and in_charge(controller.pid),
            "warm-up": lambda: wrote("progress.jsonl"),
            "load": lambda: wrote("parts/issued.bin"),
            "closing": lambda: wrote("parts/outcome.json"),
            "report": measured,
        }
        return looks[phase]

    def _runs(self) -> set[str]:
        """The run folders, from the output folder on."""
        return {str(path.relative_to(self._output)) for path in self._output.glob("*/runs/*")}

    def _check_code(self, code: int, said: str, kill: Kill | None) -> None:
        ended_by = set(kill.signals) if kill and kill.target == "controller" else set()
        if code in (0, 1):
            if code == 0 and not self._over:
                self.totals.wrong_ends.append("exit code 0, and the campaign isn't over")
        elif code == -signal.SIGKILL and "SIGKILL" in ended_by:
            return
        elif code != 130 or not ended_by - {"SIGKILL"} or "assay: interrupted" not in said:
            self.totals.wrong_ends.append(f"exit code {code} after {kill}: {said.strip().splitlines()[-1:]}")

    def _check_gone(self) -> None:
        give_up_s = time.monotonic() + _GONE_LIMIT_S
        while (left := marked(self._mark)) and time.monotonic() < give_up_s:
            time.sleep(0.1)
        for pid in left:
            self.totals.left_running.append(words(pid))
            end(pid, self._mark, signal.SIGKILL)

    def _check_answers(self, known: set[str], until_ns: float) -> None:
        """Every answer that was ever on disk still is, and those that were sent in full to new runs are on disk."""
        campaign = self._campaign
        if campaign is None:
            return
        now = checks.answers(campaign)
        self.totals.lost_answers += checks.lost(self._answers, now)
        self._answers = now
        time.sleep(_TRUTH_S)
        sent, _ = checks.sent_in_full(self._truth)
        for run in self._runs() - known:
            self.totals.lost_answers += checks.unrecorded(RunFolder(self._output / run), sent, until_ns)

    def _check_end(self) -> None:
        campaign = self._campaign
        if campaign is None or not self._over:
            self.totals.wrong_ends.append(f"not over after {_TRIES} starts that nobody disturbed")
        if campaign is not None:
            self.totals.runs = len(self._runs())
            self.totals.unbalanced += checks.unbalanced(campaign)
        self.totals.faults = checks.sent_in_full(self._truth)[1]
        self.totals.tracebacks += checks.tracebacks(self._folder)
        self.totals.left_folders += [str(path) for path in self._scratch.iterdir()]


def carry_out(seed: int, number: int, folder: Path) -> tuple[Totals, Path]:
    """One case, in a new folder below `folder` that stays only where something is wrong."""
    place = Path(tempfile.mkdtemp(prefix=f"case-{number}-", dir=folder))
    trial = Trial(draw(seed, number), place)
    try:
        trial.carry_out()
    except KeyboardInterrupt:  # it says nothing, having been cut short
        shutil.rmtree(place)
        raise
    if not trial.totals.problems:
        shutil.rmtree(place)
    return trial.totals, place


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="no case begins later (10)")
    parser.add_argument("--cases", type=int, default=sys.maxsize, help="no more cases than this")
    parser.add_argument("--seed", type=int, default=None, help="of the cases (drawn, and printed)")
    parser.add_argument("--first", type=int, default=0, help="number of the first case (0)")
    parser.add_argument("--keep", type=Path, help="where folders of failing cases stay (a new one in /tmp)")
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    options = parser.parse_args(arguments)
    seed = random.SystemRandom().randrange(2**32) if options.seed is None else options.seed
    folder = options.keep or Path(tempfile.mkdtemp(prefix="assay-chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # so that what was started is ended
    totals, failing, begun_s = Totals(), [], time.monotonic()
    number = options.first
    try:
        while number - options.first < options.cases and time.monotonic() - begun_s < 60 * options.minutes:
            found, place = carry_out(seed, number, folder)
            totals.add(found)
            if found.problems:
                failing.append(str(place))
                print(f"case {number}: {json.dumps(found.problems)}", file=sys.stderr, flush=True)
            number += 1
    except KeyboardInterrupt:
        print(f"interrupted in case {number}", file=sys.stderr)
    totals.seconds = round(time.monotonic() - begun_s, 1)
    if not any(folder.iterdir()):
        folder.rmdir()
    outcome = {"seed": seed, "cases": number - options.first, **counted(totals), "failing": failing}
    print(json.dumps(outcome, indent=2) if options.json else "\n".join(f"{k}: {v}" for k, v in outcome.items()))
    return 1 if failing else 0


def counted(totals: Totals) -> dict[str, float]:
    """The totals as numbers."""
    return {name: len(value) if isinstance(value, list) else value for name, value in asdict(totals).items()}


if __name__ == "__main__":
    sys.exit(main())
