"""What a page says of loads in one order: how fast the system was at the load that counts, and who keeps the limits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assay.analysis.campaign import Group, Load
from assay.analysis.listing import names, names_in_one_unit
from assay.analysis.saturation import carried_words, client_bound_mark, highest_carried
from assay.benchmarks import Benchmark
from assay.report import format as fmt
from assay.report.enough_samples import enough_samples
from assay.report.limits import ABOVE, UNSHOWN, WITHIN, held_if_known, held_limits, limits_words
from assay.report.loaded_answer import rate_words, tail_words
from assay.report.sweeps import Points, load_words


def sweep_answer(benchmark: Benchmark, swept: Points, kind: str) -> Iterator[str]:
    """How fast at one load, and how all of them stand to the limits where these were measured.

    `kind` is the campaign's, whose command is asked for more samples where there were too few.
    """
    record = swept[0][1].first.record
    limits = held_limits(benchmark, record)
    known = f"within the limits ({limits_words(limits, record)})"
    held = _held(benchmark, swept)
    if WITHIN in held:
        yield _highest_within(swept, held, known)
    else:
        yield _fastest(swept, held)
        if held:
            yield _none_within(swept, held, known)
    if few := too_few(benchmark, swept):
        yield enough_samples(kind, few, limits)


def too_few(benchmark: Benchmark, swept: Points) -> list[Group]:
    """Loads whose samples don't show whether they keep the limits, above the highest that is shown to keep them."""
    held = _held(benchmark, swept)
    shown = _last(held, WITHIN) if WITHIN in held else -1
    return [swept[place][1] for place, words in enumerate(held) if words == UNSHOWN and place > shown]


def _held(benchmark: Benchmark, swept: Points) -> list[str]:
    """How each load stands to the limits; empty where there are none, or nobody measured what they limit."""
    limits = held_limits(benchmark, swept[0][1].first.record)
    held = [held_if_known([line.result for line in group.lines], limits) for _, group in swept]
    return held if all(held) else []


def _highest_within(swept: Points, held: Sequence[str], known: str) -> str:
    """The highest load that is shown to keep the limits."""
    place = _last(held, WITHIN)
    load, group = swept[place]
    unshown = held[place + 1 :].count(UNSHOWN)
    shown = "shown to be " if unshown else ""
    but = f"; too few samples show it for {unshown} of the higher loads" if unshown else ""
    of = fmt.count(len(swept), "load")
    over = [load_words(lower) for (lower, _), words in zip(swept[:place], held, strict=False) if words == ABOVE]
    against = f"; of the lower loads {names_in_one_unit(over)} came out above them" if over else ""
    return f"{_named(load, group)} is the highest of {of} {shown}{known}: {rate_words(group)}{but}{against}."


def _last(held: Sequence[str], words: str) -> int:
    return len(held) - 1 - held[::-1].index(words)


def _fastest(swept: Points, held: Sequence[str]) -> str:
    """The load that counts where none is shown to keep limits, and what its figures must not be taken for.

    It is one that didn't come out above them, where there is one. Where requests arrive at a rate it is the highest
    that was carried: of a higher one the rate is what the server could do, and its latencies those of a queue that
    grew.
    """
    kept = [swept[place] for place, words in enumerate(held) if words != ABOVE]
    loads, of = kept or swept, fmt.count(len(swept), "load")
    under = "didn't come out above the limits" if len(loads) < len(swept) else ""
    place = highest_carried(loads) if loads[0][0].axis == "rate" else None
    if place is not None:
        load, group = loads[place]
        which = f"At {_named(load, group)}, the highest of {of} that {carried_words(group)}{under and f' and {under}'}"
    else:
        load, group = max(loads, key=lambda point: point[1].samples_per_s.value)
        highest = f"The highest rate of {of} came at {_named(load, group)}"
        which = f"At {_named(load, group)}, the fastest load that {under}" if under else highest
    words = {ABOVE: ", above the limits", UNSHOWN: ", not shown to keep the limits"}
    stands = words[held[swept.index((load, group))]] if held else ""
    return f"{which}: {rate_words(group)}{stands}; {tail_words(group)}."


def _named(load: Load, group: Group) -> str:
    return load_words(load) + client_bound_mark(group)


def _none_within(swept: Points, held: Sequence[str], known: str) -> str:
    """That no load is shown to keep the limits: which came out above them, and for how many samples are too few."""
    none = f"None of the {fmt.count(len(swept), 'load')} is"
    above = [load_words(load) for (load, _), words in zip(swept, held, strict=True) if words == ABOVE]
    if len(above) == len(swept):
        return f"{none} {known}."
    if not above:
        return f"{none} shown to be {known}, for too few samples."
    few = "the other one" if len(swept) - len(above) == 1 else f"the other {len(swept) - len(above)}"
    return f"{none} shown to be {known}: {names(above)} came out above, and there are too few samples for {few}."
