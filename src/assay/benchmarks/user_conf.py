"""LoadGen's user.conf, read as LoadGen reads it; what LoadGen would skip without a word is refused.

LoadGen (test_settings_internal.cc, `TestSettings::FromConfig`) splits lines at white space, keeps any key, and then
asks for those that it knows. So a misspelt key, a model of another name, `key=value` without spaces, or a key that it
takes from its own file alone changes nothing, and nothing says so.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from assay.errors import UserError
from assay.plain_files import plain
from assay.safe_yaml import read_yaml

SCENARIOS = ("SingleStream", "MultiStream", "Server", "Offline")
_ANY = "*"
# As C reads them; Python takes more for white space and for digits.
_WHITE_SPACE = re.compile(r"[ \t\r\v\f]+")
_WHOLE = re.compile(r"0x[0-9a-fA-F]{1,16}|0|[1-9][0-9]{0,19}")
_REAL = re.compile(r"([0-9]{1,20}(\.[0-9]{0,20})?|\.[0-9]{1,20})([eE][+-]?[0-9]{1,3})?")
_MOST = 2**31
_MOST_SEED = 2**64
_FORM = "lines are 'model.scenario.key = value', with spaces around the ="


@dataclass(frozen=True)
class Setting:
    """One line that LoadGen takes."""

    written: str
    """Its key as the file has it, such as `*.Server.target_qps`."""
    value: float


@dataclass(frozen=True)
class UserConf:
    """A user.conf whose every line LoadGen understands."""

    path: Path
    text: str
    settings: Mapping[str, float]
    """By key as written; of several lines with the same key the last counts."""

    def setting(self, model: str, scenario: str, key: str) -> Setting | None:
        """What LoadGen takes for a model and scenario: the most particular line, in its order; None: no line is."""
        for owner in (f"{model}.{scenario}", f"*.{scenario}", f"{model}.*", "*.*"):
            if (written := f"{owner}.{key}") in self.settings:
                return Setting(written, self.settings[written])
        return None

    def applying(self, model: str, scenario: str) -> Iterator[tuple[str, Setting]]:
        """Every key that is set for a model and scenario."""
        for key, scenarios in _keys().items():
            if scenario in scenarios and (found := self.setting(model, scenario, key)) is not None:
                yield key, found


def read_user_conf(path: Path) -> UserConf:
    """Raises UserError with the line where LoadGen couldn't read it, or would read it and change nothing."""
    try:
        text = plain(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"loadgen.user_conf: {path} can't be read: {error}") from None
    found: dict[str, float] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        words = [word for word in _WHITE_SPACE.split(line) if word]
        if not words or words[0] == "#":
            continue
        try:
            written, value = _line(words)
        except ValueError as error:
            raise UserError(f"loadgen.user_conf: {path}:{number}: {line.strip()!r}: {error}") from None
        found[written] = value
    return UserConf(path, text, found)


def _line(words: list[str]) -> tuple[str, float]:
    """A line's key and value. Raises ValueError with what is wrong."""
    if words[0].startswith("#"):
        raise ValueError("LoadGen takes a line for a comment only where a space follows the #")
    if len(words) < 3 or words[1] != "=":
        raise ValueError(_FORM)
    if len(words) > 3:
        raise ValueError("LoadGen allows nothing after the value, not even a comment: put it on a line of its own")
    written, text = words[0], words[2]
    parts = written.rsplit(".", 2)  # names of models may have dots
    if len(parts) != 3:
        raise ValueError(_FORM)
    _known(*parts)
    return written, _value(parts[2], text)


def _known(model: str, scenario: str, key: str) -> None:
    if model != _ANY and model not in loadgen_models():
        raise ValueError(
            f"LoadGen knows no model {model!r}, and would skip this{_near(model, loadgen_models())}; * is for all"
        )
    if scenario not in (_ANY, *SCENARIOS):
        hint = ": Interactive is its Server, with models of their own" if scenario == "Interactive" else ""
        raise ValueError(f"LoadGen knows no scenario {scenario!r}{hint}; * is for all, or {', '.join(SCENARIOS)}")
    if why := _table()["not_here"].get(key):
        raise ValueError(f"{key} isn't taken from here: {why}")
    scenarios = _keys().get(key)
    if scenarios is None:
        raise ValueError(f"LoadGen knows no key {key!r}, and would skip this{_near(key, _keys())}")
    if scenario != _ANY and scenario not in scenarios:
        raise ValueError(f"LoadGen takes {key} for {', '.join(scenarios)} alone, and would skip this")


def _near(word: str, known: Collection[str]) -> str:
    """The known words that are most like it, or all."""
    near = get_close_matches(word, known)
    return f"; did you mean {' or '.join(near)}?" if near else f"; it knows {', '.join(sorted(known))}"


def _value(key: str, text: str) -> float:
    real = key in _table()["real"]
    if not (_REAL if real else _WHOLE).fullmatch(text):
        raise ValueError(f"{key} must be {'a number' if real else 'a whole number'}, 0 or more, in plain digits")
    value = float(text) if real else int(text, 0)
    if value >= (_MOST_SEED if key.endswith("_seed") else _MOST) or (key == "target_qps" and value == 0):
        raise ValueError(f"{key} can't be {text}")
    return float(value)


@cache
def _keys() -> dict[str, tuple[str, ...]]:
    """The keys that LoadGen takes from a user.conf, and for which scenarios."""
    return {key: tuple(scenarios or SCENARIOS) for key, scenarios in _table()["keys"].items()}


@cache
def loadgen_models() -> frozenset[str]:
    """The models that LoadGen's own file names."""
    return frozenset(_table()["models"])


@cache
def _table() -> dict[str, Any]:
    data: dict[str, Any] = read_yaml(Path(__file__).with_name("user_conf.yaml")).data
    return data
