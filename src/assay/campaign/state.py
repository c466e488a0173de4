"""A campaign's state on disk: begun, found again, compared with a configuration, held by one process at a time."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from assay import __version__
from assay.benchmarks import Benchmark, campaign_benchmark, get_benchmark, write_benchmark
from assay.benchmarks.user_conf import read_user_conf
from assay.campaign.kept_counts import KeptCounts
from assay.campaign.kinds import kind_of
from assay.campaign.work import utc_now
from assay.config import Config, dump_config, load_config
from assay.errors import UserError
from assay.runs import CampaignFolder, CampaignState, RunEntry, new_id, read_campaign, write_json, write_text
from assay.runs.campaign import Session, find_campaigns
from assay.runs.campaign_manifest import close_manifest, open_manifest
from assay.safe_yaml import parse_yaml

LATEST = "latest"
_MAY_CHANGE = ("output", "alerts")  # say where results go and who is told, not what is measured
_SHOWN = 20


def begin(
    config: Config,
    runs: list[RunEntry],
    benchmark: Benchmark,
    *,
    dataset_sha256: str,
    simulated: bool,
    counts: KeptCounts | None = None,
) -> CampaignFolder:
    """Make a campaign's folder with its configuration, its benchmark and its plan.

    Raises UserError where the output folder can't be written.
    """
    text = dump_config(config)
    now = datetime.now(UTC)
    identity = new_id(now, config.campaign.kind, salt=f"{text}{now.isoformat()}{os.getpid()}".encode())
    folder = CampaignFolder(config.output / identity)
    try:
        folder.runs.mkdir(parents=True)
    except OSError as error:
        raise UserError(
            f"output {config.output}: {error.strerror}: choose a folder that can be written, with `output` in the "
            "configuration, --output of `assay run`, or --results of `assay bench`"
        ) from None
    state = CampaignState(
        id=identity,
        kind=config.campaign.kind,
        name=config.name,
        started_utc=utc_now(),
        config_sha256=hashlib.sha256(text.encode()).hexdigest(),
        dataset_sha256=dataset_sha256,
        user_conf_sha256=_user_conf_sha256(config),
        seed=config.campaign.seed,
        simulated=simulated,
        rate_search=kind_of(config.campaign.kind).rate_search(config, benchmark),
        plan_note=kind_of(config.campaign.kind).note(config),
        project_samples=config.campaign.project_samples,
        objective=config.campaign.engine.objective,
        memory_target=config.campaign.engine.memory_target,
        runs=runs,
    )
    try:
        write_text(folder.config, text)
        write_benchmark(folder.benchmark, benchmark)
        if counts is not None and counts != KeptCounts():
            write_json(folder.prompt_counts, counts)
        write_json(folder.state, state)  # last: a folder without it is no campaign, and nothing was measured in it
    except OSError:  # the disk is full
        shutil.rmtree(folder.path, ignore_errors=True)
        raise
    return folder


def find(which: str, output: Path) -> CampaignFolder:
    """The campaign to go on with: a folder, or the latest in `output` that isn't over, its report included.

    Raises UserError where there is none.
    """
    if which != LATEST:
        path = Path(which)
        if path.is_file():
            raise UserError(f"--resume {which}: is a file; write `assay run {which} --resume`")
        # The folder's own name and what is beside it are asked for later, which "." and ".." don't say.
        return CampaignFolder(path.resolve() if path.name in ("", "..") else path)
    for folder in reversed(find_campaigns(output)):
        if read_campaign(folder).ended_utc is None or not folder.report.exists():
            return folder
    raise UserError(f"--resume: no campaign in {output} is unfinished; give the campaign's folder, or start one")


def resumed_config(folder: CampaignFolder, given: Config | None) -> Config:
    """The campaign's own configuration, with alerts as `given` has them.

    Raises UserError with the differences where `given` is another.
    """
    read_campaign(folder)  # says what is wrong where it is no campaign
    own = load_config(folder.config).model_copy(update={"output": folder.path.parent})
    if given is not None and (changes := differences(_plain(own), _plain(given))):
        lines = [f"  {change}" for change in changes[:_SHOWN]]
        lines += [f"  and {len(changes) - _SHOWN} more"] if len(changes) > _SHOWN else []
        raise UserError(
            f"--resume: the configuration is not that of {folder.path} (its own → given):\n"
            + "\n".join(lines)
            + "\nundo the change, resume without a configuration file, or start a new campaign without --resume"
        )
    return own if given is None else own.model_copy(update={"alerts": given.alerts})


def resumed_benchmark(folder: CampaignFolder, config: Config, say: Callable[[str], None]) -> Benchmark:
    """What the campaign began to measure, whatever has become of the user's file since."""
    own = campaign_benchmark(folder)
    if own is None:
        return get_benchmark(config.benchmark)
    with contextlib.suppress(UserError):  # the file may be gone: it isn't needed any more
        now = get_benchmark(config.benchmark)
        tested = (now.in_mode("performance", test) for test in now.compliance_data)
        if own not in (now, now.in_mode("accuracy"), *tested):
            say(f"benchmark {config.benchmark} has changed; the campaign goes on with {folder.benchmark}")
    return own


def check_dataset(state: CampaignState, sha256: str) -> None:
    """Raises UserError where the data set's files changed since the campaign began."""
    if state.dataset_sha256 and state.dataset_sha256 != sha256:
        raise UserError(
            f"--resume: the data set changed since the campaign began (sha256 {state.dataset_sha256[:12]}, "
            f"now {sha256[:12]}): restore it, or start a new campaign"
        )


def check_user_conf(state: CampaignState, config: Config) -> None:
    """Raises UserError where LoadGen's user.conf is gone or changed since the campaign began."""
    if state.user_conf_sha256 and state.user_conf_sha256 != _user_conf_sha256(config):
        raise UserError(
            f"--resume: {config.loadgen.user_conf} changed since the campaign began, and LoadGen takes its settings: "
            "restore it, or start a new campaign"
        )


def _user_conf_sha256(config: Config) -> str:
    path = config.loadgen.user_conf
    return "" if path is None else hashlib.sha256(read_user_conf(path).text.encode()).hexdigest()


def _plain(config: Config) -> dict[str, Any]:
    value: dict[str, Any] = parse_yaml(dump_config(config), "configuration").data
    return {key: item for key, item in value.items() if key not in _MAY_CHANGE}


def differences(old: Mapping[str, Any], new: Mapping[str, Any], place: str = "") -> list[str]:
    """Each setting that differs, as `a.b: old → new`."""
    found: list[str] = []
    for key in dict.fromkeys([*old, *new]):
        here, before, after = f"{place}{key}", old.get(key), new.get(key)
        if isinstance(before, dict) and isinstance(after, dict):
            found += differences(before, after, f"{here}.")
        elif before != after:
            found.append(f"{here}: {_shown(before)} → {_shown(after)}")
    return found


def _shown(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000)
    return text.removesuffix("...\n").strip()


@contextlib.contextmanager
def held(folder: CampaignFolder) -> Iterator[None]:
    """Keep other processes from carrying out the same campaign; the kernel lets go when this one ends, however it does.

    Raises UserError where another process holds it.
    """
    with folder.lock.open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"{folder.path}: another assay process is carrying out this campaign") from None
        yield


@contextlib.contextmanager
def session(folder: CampaignFolder, state: CampaignState) -> Iterator[None]:
    """Note in the state that this process works on it, and, on any way out but being killed, until when.

    Meanwhile the campaign's manifest is open. Raises UserError where the campaign isn't as it was closed.
    """
    open_manifest(folder)
    state.has_manifest = True
    mine = Session(started_utc=utc_now(), assay_version=__version__, pid=os.getpid())
    state.sessions.append(mine)
    if unfinished(state):
        state.ended_utc = None
    write_json(folder.state, state)
    try:
        yield
    finally:
        mine.ended_utc = utc_now()
        state.ended_utc = None if unfinished(state) else state.ended_utc or mine.ended_utc
        write_json(folder.state, state)
        close_manifest(folder, state)


def unfinished(state: CampaignState) -> list[RunEntry]:
    """Runs that resuming would carry out."""
    return [entry for entry in state.runs if not entry.ended and not (entry.status and _left_out(entry, state))]


def _left_out(entry: RunEntry, state: CampaignState) -> bool:
    return any(node in state.left_out for node in entry.nodes)
