"""Words that a newcomer may not know and times, marked where they stand on a page. docs/glossary.md says the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from markupsafe import Markup, escape

from assay.digits import MONTHS

TERMS = {
    "TTFT": "time to first token: from the scheduled time (Server, Interactive) or issue to the first token's arrival",
    "TPOT": "time per output token after the first: (last token - first token) / (tokens - 1)",
    "ITL": (
        "inter-token latency: the gaps between successive token-bearing chunks of one answer; a chunk may hold several "
        "tokens"
    ),
    "MBU": "achieved memory bandwidth, as a share of what the hardware can do",
    "MFU": "achieved arithmetic, as a share of what the hardware can do",
    "p99": "99th percentile: 99 % of the values are no more than this; p50 is the median",
    "95 %": "an interval that holds the true value in 95 of 100 such measurements",
    "client-bound": "the load generator was so busy, or so late, that it could have shaped the result",
    "early stopping": "MLPerf's rule for how many queries a percentile needs before LoadGen lets it count",
    "efficiency": "throughput together / sum of what the same nodes do alone, both measured",
    "goodput": "samples a second that keep the limits",
    "ledger": "where every sample went",
    "LoadGen": "MLCommons' load generator, which issues the samples and says VALID or INVALID",
    "quality gate": "whether the answers' scores reach what the benchmark asks for",
    "re-sent": "a sample that needed more than one attempt",
    "short run": (
        "not every setting is the rules', such as fewer samples or less time; never valid for MLPerf, whatever LoadGen "
        "says of it"
    ),
    "steady window": "the part of a run in which every place is taken and speed has settled",
    "bracket": "of a search's run: it finds on which side of the limits a rate lies",
    "calibration": "the load generator's own error, measured before the run on a simulated server of known times",
    "event loop": "how a process of the load generator takes turns: late, it read answers after they came",
    "every place was taken": "as many requests were in flight as the endpoints take at once",
    "front": "of the points of throughput against pace those that no other beats in both (Pareto)",
    "gen_len": "characters of all answers together",
    "rouge1": (
        "of an answer's words and its reference's, the share in both, of 100 (F-measure); the mean over the answers"
    ),
    "rouge2": "the same of neighbouring words in pairs",
    "rougeL": "the same of the longest row of words, with gaps, that both have in that order",
    "rougeLsum": "the same sentence by sentence",
    "exact_match": "the share of answers that are their reference, white space around them apart",
    "idle at the end": "how long a node had nothing left to do while others still answered",
    "in flight": "sent, and not yet answered",
    "others' median": "the median of the other nodes' speeds",
    "supported": "of a rule of the audit: it was applied, and what was stated stands up to it",
    "INVALID": "LoadGen's word: the run breaks a rule of its scenario, and its reasons say which",
    "VALID": (
        "the page's verdict: LoadGen says so, and ledger, limits, settings and data are as the rules ask; LoadGen's "
        "own VALID is only by the settings that it was given"
    ),
}
_MOMENT = rf"\d{{1,2}} (?:{'|'.join(MONTHS)}) \d{{4}}, \d\d:\d\d:\d\d UTC"
_BEGIN = "".join(sorted({term[0].casefold() for term in TERMS}))  # few words begin so: the others are passed over fast
_OPTION = re.compile(r"(?<![\w-])(--[a-z][a-z-]*)")
_PATTERNS = "|".join(re.escape(term).replace(r"\-", r"\ ").replace(r"\ ", "[ -]") for term in TERMS)
_WORDS = re.compile(
    rf"(?P<moment>{_MOMENT})|`(?P<code>[^`\n]+)`|(?P<option>{_OPTION.pattern})|"
    rf"(?<![\w/.-])(?=[{_BEGIN}])(?P<term>{_PATTERNS})(?![\w/-]|\.\w)",
    re.IGNORECASE,
)
_PER_CENT = re.compile(r"(?<=\d) %")


def _key(word: str) -> str:
    """As terms are found: written with a hyphen or without, in capitals or not."""
    return word.casefold().replace("-", " ")


_CANONICAL = {_key(term): term for term in TERMS}


class Terms:
    """Marks the terms of one page: each once in a section, with the page's own glossary at its end."""

    def __init__(self) -> None:
        self._marked: set[str] = set()
        self._used: set[str] = set()

    def begin(self) -> str:
        """A new section, in which terms are marked again; nothing is shown for it."""
        self._marked = set()
        return ""

    def __call__(self, text: str) -> Markup:
        """The text, escaped: terms are links to their meaning, times for the reader's own clock, and what is between
        backticks is to be typed as it stands."""
        return Markup("").join(self._parts(text))

    @property
    def used(self) -> list[tuple[str, str, str]]:
        """The anchor, name and meaning of each term that was marked, in the order of the alphabet."""
        return [(_anchor(term), term, TERMS[term]) for term in sorted(self._used, key=str.casefold)]

    def _parts(self, text: str) -> Iterator[Markup]:
        end = 0
        for found in _WORDS.finditer(text):
            yield escape(_in_one_line(text[end : found.start()]))
            yield self._marked_up(found)
            end = found.end()
        yield escape(_in_one_line(text[end:]))

    def _marked_up(self, found: re.Match[str]) -> Markup:
        if found["moment"]:
            return _time(found[0])
        if found["code"]:
            return Markup("<code>{}</code>").format(Markup("").join(_typed(found["code"])))
        if found["option"]:
            return _in_one_piece(found[0])
        return self._term(found[0])

    def _term(self, word: str) -> Markup:
        term = _CANONICAL[_key(word)]
        if term in self._marked or (term.isupper() and not word.isupper()):
            return escape(_in_one_line(word))
        self._marked.add(term)
        self._used.add(term)
        word = _in_one_line(word)
        return Markup('<a class="term" href="#{}" aria-describedby="{}-means">{}</a>').format(
            _anchor(term), _anchor(term), word
        )


def _typed(command: str) -> Iterator[Markup]:
    """What is to be typed: no line ends within the name of an option."""
    for place, part in enumerate(_OPTION.split(command)):
        yield _in_one_piece(part) if place % 2 else escape(part)


def _in_one_piece(option: str) -> Markup:
    return Markup('<span class="option">{}</span>').format(option)


def _in_one_line(text: str) -> str:
    """No line ends between a number and its per cent sign."""
    return _PER_CENT.sub("\u00a0%", text)


def _anchor(term: str) -> str:
    return "word-" + re.sub(r"\W+", "-", term.casefold()).strip("-")


def _time(moment: str) -> Markup:
    day, month, year, clock, _ = moment.replace(",", "").split()
    number = next(place for place, name in enumerate(MONTHS, start=1) if name.casefold() == month.casefold())
    at = datetime.fromisoformat(f"{year}-{number:02}-{int(day):02}T{clock}+00:00")
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), moment)
