"""What planned runs are called in tables, charts and on the terminal."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assay.runs.campaign import RunEntry
from assay.runs.setups import setup_words

_LOAD = {
    "scenario",
    "nodes",
    "target_qps",
    "queries",
    "window",
    "shape",
    "settings",
    "servers",
    "server_nodes",
    "stage",
    "planning",
}


def name_in(entries: Sequence[RunEntry], entry: RunEntry) -> str:
    """What a run is called among those of its campaign: without what all of them have in common."""
    scenarios, nodes = {e.scenario for e in entries}, {tuple(e.nodes) for e in entries}
    return _name(entry, several_scenarios=len(scenarios) > 1, several_nodes=len(nodes) > 1)


def _name(entry: RunEntry, *, several_scenarios: bool, several_nodes: bool) -> str:
    """A shape's title says what kind of load it is."""
    return name_of(entry, with_scenario=several_scenarios and entry.shape is None, with_nodes=several_nodes)


def name_of(entry: RunEntry, *, with_scenario: bool = True, with_nodes: bool = True) -> str:
    """What a planned run is called in tables and charts."""
    words: list[str] = [entry.scenario] if with_scenario else []
    if with_nodes:
        words.append(" + ".join(entry.nodes) if len(entry.nodes) <= 2 else f"{len(entry.nodes)} nodes")
    if entry.shape is not None:
        words.append(entry.shape.title)
    elif entry.target_qps and entry.scenario != "Offline":  # there it is LoadGen's guess, and no load
        words.append(f"{entry.target_qps:,g} samples/s asked for")
    if entry.stage is not None or not entry.as_configured:
        words.append(setup_words(entry.settings, entry.servers, entry.window, entry.server_nodes))
        words += [f"({entry.stage})"] if entry.stage else []
    elif entry.window:
        words.append(f"{entry.window} in flight")
    if entry.compliance:
        words.append(entry.compliance)
    if entry.planning:
        words.append("planning")
    return _joined(words) or entry.scenario


def _joined(words: Sequence[str]) -> str:
    """One after another; but not what was asked for and what follows it, as a try's settings do, or the mode."""
    return re.sub(r"asked for (?=\w)", "asked for, ", " ".join(words))


def titles_of(entries: Sequence[RunEntry]) -> dict[str, str]:
    """Every run of a campaign by itself, as `title_in` calls it, by its key: each is looked at once."""
    scenarios, nodes = {e.scenario for e in entries}, {tuple(e.nodes) for e in entries}
    modes = {e.mode for e in entries}
    alike: dict[tuple[str, ...], list[RunEntry]] = {}
    for entry in entries:
        alike.setdefault(_alike(entry), []).append(entry)
    found = {}
    for repeats in alike.values():
        words = _name(repeats[0], several_scenarios=len(scenarios) > 1, several_nodes=len(nodes) > 1)
        if repeats[0].mode != "performance" and len(modes) > 1:
            words = _joined([words, repeats[0].mode])
        for turn, entry in enumerate(repeats, start=1):
            found[entry.key] = words + _turns([turn], len(repeats))
    return {entry.key: found[entry.key] for entry in entries}


def title_in(entries: Sequence[RunEntry], entry: RunEntry) -> str:
    """One run by itself: with its mode and its turn where the campaign has several."""
    return titles_in(entries, [entry])


def titles_in(entries: Sequence[RunEntry], some: Sequence[RunEntry]) -> str:
    """Some runs: the turns of one load together, such as 'Offline, runs 1 and 3 of 3; Server'."""
    return "; ".join(load_titles(entries, some))


def load_titles(entries: Sequence[RunEntry], some: Sequence[RunEntry]) -> list[str]:
    """The same, each load by itself."""
    scenarios, nodes = {e.scenario for e in entries}, {tuple(e.nodes) for e in entries}
    modes = {e.mode for e in entries}
    repeats: dict[tuple[str, ...], list[int]] = {}
    for entry in entries:
        repeats.setdefault(_alike(entry), []).append(entry.repeat)
    turns: dict[str, list[int]] = {}
    most: dict[str, int] = {}
    for entry in some:
        words = _name(entry, several_scenarios=len(scenarios) > 1, several_nodes=len(nodes) > 1)
        if entry.mode != "performance" and len(modes) > 1:
            words = _joined([words, entry.mode])
        own = repeats[_alike(entry)]
        turns.setdefault(words, []).append(own.index(entry.repeat) + 1)
        most[words] = len(own)
    return [words + _turns(numbers, most[words]) for words, numbers in turns.items()]


def _alike(entry: RunEntry) -> tuple[str, ...]:
    """The same for all that repeat one load in one mode."""
    return entry.mode, str(entry.compliance), load_key(entry)


def _turns(numbers: Sequence[int], most: int) -> str:
    if most == 1:
        return ""
    if len(numbers) == most:
        return ", both runs" if most == 2 else f", all {most} runs"
    *others, last = map(str, sorted(numbers))
    listed = f"runs {', '.join(others)} and {last}" if others else f"run {last}"
    return f", {listed} of {most}"


def load_key(entry: RunEntry) -> str:
    """The same for all planned runs that repeat one load, where their modes are the same."""
    return entry.model_dump_json(include=_LOAD)


def same_load(one: RunEntry, other: RunEntry) -> bool:
    """Whether two planned runs repeat one load, where their modes are the same."""
    return one.model_dump(include=_LOAD) == other.model_dump(include=_LOAD)
