"""The tables of a terminal's screen: endpoints, and what the hardware of nodes does."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from assay.digits import number_text
from assay.watch.course import Course
from assay.watch.grid import Column, bar, room_for, table
from assay.watch.hardware import UNKNOWN, rank, words_of
from assay.watch.nodes import Node

_BAR = 14


def endpoint_lines(course: Course, width: int, most: int) -> list[Text]:
    """As many endpoints as there is room for: first those that are out, then the slowest."""
    told = course.endpoints
    paces = {name: pace.tokens_per_s if (pace := course.pace(name)) else 0.0 for name in told}
    fastest = max(paces.values(), default=0.0) or 1.0
    names = sorted(told)
    if (room := room_for(len(told), most)) < len(told):
        names = sorted(names, key=lambda name: (not told[name].out, paces[name]))[:room]
    bars = [
        Text("out of service", style="red") if told[name].out else bar(paces[name] / fastest, _BAR) for name in names
    ]
    columns = [
        Column("endpoint", names, right=False, cut=True),
        Column("", bars, right=False, dropped=0 if any(told[name].out for name in names) else 3),
        Column("done", [f"{told[name].completed:,}" for name in names], dropped=1),
        Column("failed attempts", [f"{told[name].failed:,}" for name in names]),
        Column("in flight", [f"{told[name].in_flight:,}" for name in names], dropped=2),
        Column("tokens/s", [number_text(paces[name]) for name in names]),
    ]
    return table(columns, width, len(told))


def node_lines(nodes: Sequence[Node], width: int, most: int) -> list[Text]:
    """As many nodes as there is room for: first those that are silent, then those that are slowed down."""
    room = room_for(len(nodes), most)
    shown = [words_of(node) for node in (nodes if room == len(nodes) else sorted(nodes, key=rank)[:room])]
    columns = [Column("node", [words.name for words in shown], right=False, cut=True)]
    if any(words.state for words in shown):
        columns.append(Column("", [Text(words.state, style="red") for words in shown], right=False))
    if any(words.gpus for words in shown):
        columns += [
            Column("GPUs", [words.gpus or UNKNOWN for words in shown], dropped=4),
            Column("busy", [words.busy for words in shown]),
            Column("GPU mem", [words.gpu_memory for words in shown], dropped=2),
            Column("power", [words.power for words in shown], dropped=1),
            Column("clock", [words.clock for words in shown]),
            Column("temp", [words.temperature for words in shown], dropped=3),
        ]
    columns += [
        Column("CPU", [words.cpu for words in shown]),
        Column("memory", [words.memory for words in shown], dropped=5),
    ]
    return table(columns, width, len(nodes))
