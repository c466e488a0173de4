"""The recipes of docs/extending.md: files to write, changes to make, and commands to run, as they stand there."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "extending.md"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Change:
    """Lines of a file that become other lines."""

    path: str
    old: str
    new: str

    def apply(self, folder: Path) -> None:
        """Raises ValueError where the old lines don't stand in the file exactly once."""
        file = folder / self.path
        text = file.read_text(encoding="utf-8")
        places = [found.start() for found in re.finditer(f"^{re.escape(self.old)}", text, re.MULTILINE)]
        if len(places) != 1:
            raise ValueError(f"{self.path} has {len(places)} places that read\n{self.old}")
        (at,) = places
        file.write_text(text[:at] + self.new + text[at + len(self.old) :], encoding="utf-8")


@dataclass
class Recipe:
    title: str
    lines: int
    files: dict[str, str] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)

    def write(self, folder: Path) -> None:
        """Write the files and make the changes, in a folder that holds `src`."""
        for path, text in self.files.items():
            assert not (folder / path).exists(), f"{path} is there already"
            (folder / path).write_text(text, encoding="utf-8")
        for change in self.changes:
            change.apply(folder)


def recipes(text: str | None = None) -> list[Recipe]:
    """The document's sections; the first, without a title, is what all others use."""
    text = DOCUMENT.read_text(encoding="utf-8") if text is None else text
    return [_recipe(section) for section in re.split(r"^## ", text, flags=re.MULTILINE)]


def _recipe(section: str) -> Recipe:
    made = Recipe(section.partition("\n")[0], section.count("\n"))
    for language, body in _BLOCK.findall(section):
        first, _, rest = body.partition("\n")
        if language in ("python", "yaml"):
            made.files[first.removeprefix("# ")] = rest
        elif language == "diff":
            lines = rest.splitlines(keepends=True)
            old, new = ("".join(line[1:] for line in lines if line[0] in signs) for signs in (" -", " +"))
            made.changes.append(Change(first, old, new))
        elif language == "sh":
            made.commands.append(body)
        else:
            raise ValueError(f"{made.title}: a block of {language!r} says nothing that can be followed")
    return made
