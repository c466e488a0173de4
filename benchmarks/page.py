"""How soon a page can be used in Chromium: a run's page of 13,368 synthetic samples, and a campaign's of 12 runs.

    python benchmarks/page.py --json --against 507639a

prints, from the first moment that a script of the page's sees, `text_ms_*` (text is there, tables sort, terms explain
themselves) and `chart_ms_*` (the first chart can be pointed at), and `*_cpu_ms_*`: how long its own thread
worked until then, which hardly depends on what else the machine does. Each is the least of several turns. No debugger
is attached: for it, Chromium would read scripts again. `chart_cpu_ratio_*` is against the pages of the revision that
`--against` names, opened in turns with these; null without it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from report import _RENDER, _RENDER_CAMPAIGN, _WRITE_CAMPAIGN, _WRITE_RUN, ROOT, run, source_of

TURNS, TRACED_S, PATIENCE_S = 3, 8, 60
_MARKS = """<script>performance.mark("page-begin");
document.addEventListener("DOMContentLoaded", function () { performance.mark("page-text"); });
new MutationObserver(function (_, watch) { watch.disconnect(); performance.mark("page-chart"); })
  .observe(document, { subtree: true, attributes: true, attributeFilter: ["data-drawn"] });
</script>"""


def pages(scratch: Path, tree: Path) -> dict[str, Path]:
    """The pages as a source tree makes them, with marks in them."""
    scratch.mkdir()
    run(_WRITE_RUN, scratch, "13368", tree=tree)
    run(_RENDER, scratch / "13368", tree=tree)
    run(_WRITE_CAMPAIGN, scratch, tree=tree)
    run(_RENDER_CAMPAIGN, scratch / "campaign", tree=tree)
    found = {"run": scratch / "13368" / "report.html", "campaign": scratch / "campaign" / "report.html"}
    for page in found.values():
        page.write_text(page.read_text().replace("<head>", f"<head>{_MARKS}", 1))
    return found


def opened(page: Path) -> dict[str, float]:
    """Milliseconds until text and the first chart, by the clock and of the page's own thread."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if executable is None:
        sys.exit("no Chromium on PATH")
    with tempfile.TemporaryDirectory(prefix="assay-page-", ignore_cleanup_errors=True) as folder:
        trace = Path(folder) / "trace.json"
        command = [
            executable, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", f"--user-data-dir={folder}/profile", "--remote-debugging-port=0",
            "--window-size=1280,900", "--trace-startup=blink.user_timing", f"--trace-startup-file={trace}",
            "--trace-startup-format=json", f"--trace-startup-duration={TRACED_S}", page.resolve().as_uri(),
        ]  # fmt: skip
        with _running(command):
            marks = _marks(trace)
    begin = marks["page-begin"]
    figures: dict[str, float] = {}
    for name in ("text", "chart"):
        mark = marks[f"page-{name}"]
        figures[f"{name}_ms"] = (mark["ts"] - begin["ts"]) / 1000
        figures[f"{name}_cpu_ms"] = (mark["tts"] - begin["tts"]) / 1000
    return figures


@contextmanager
def _running(command: list[str]) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _marks(trace: Path) -> dict[str, dict[str, float]]:
    """The page's marks, once Chromium has written its trace."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        time.sleep(0.5)
        try:
            events = json.loads(trace.read_text())["traceEvents"]
        except (FileNotFoundError, json.JSONDecodeError):  # not yet, or not whole
            continue
        marks = {event["name"]: event for event in events if str(event.get("name")).startswith("page-")}
        if "page-chart" not in marks:
            sys.exit(f"no chart was drawn within {TRACED_S} s")
        return marks
    sys.exit(f"Chromium wrote no trace within {PATIENCE_S} s")


def measured(ours: dict[str, Path], theirs: dict[str, Path] | None) -> dict[str, float | None]:
    figures: dict[str, float | None] = {}
    for name, page in ours.items():
        turns = [(opened(page), opened(theirs[name]) if theirs else None) for _ in range(TURNS)]
        for figure in turns[0][0]:
            figures[f"{figure}_{name}"] = min(own[figure] for own, _ in turns)
        others = [other["chart_cpu_ms"] for _, other in turns if other]
        best = min(own["chart_cpu_ms"] for own, _ in turns)
        figures[f"chart_cpu_ratio_{name}"] = best / min(others) if others else None
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    parser.add_argument("--against", metavar="REV", help="open this revision's pages too, in turns")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="assay-pages-") as folder:
        scratch = Path(folder)
        ours, theirs = pages(scratch / "ours", ROOT), None
        if arguments.against:
            with source_of(arguments.against, scratch) as tree:
                theirs = pages(scratch / "theirs", tree)
        figures = measured(ours, theirs)
    figures = {name: None if value is None else round(value, 3) for name, value in figures.items()}
    lines = (f"{name:<28}{'not measured' if value is None else f'{value:.3f}':>14}" for name, value in figures.items())
    print(json.dumps(figures) if arguments.json else "\n".join(lines))


if __name__ == "__main__":
    main()
