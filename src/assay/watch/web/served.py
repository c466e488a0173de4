"""What of a folder of results a page may have: finished reports, of whose scripts only this version's own run."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path

from assay.report.plotly_file import packed_plotly
from assay.report.writer import page_scripts

_REPORTS = re.compile(r"(runs/[^/]+/)?(report\.(html|md|json)|findings\.json|charts/[^/]+\.png)")
_PLOTLY = re.compile(r'<script src="[^"]*/plotly-[^"/]+\.js"></script>')
_BODY = "<body>"
_OTHER = (
    '<p role="note">Another version of Assay made this page, and its scripts aren\'t run here: its charts are seen '
    "where the file itself is opened, or once <code>assay report</code> has made the page again.</p>"
)


def file_of(campaign: Path, name: str) -> Path | None:
    """The file of a campaign that may be sent; None where there is none, or it lies elsewhere by a link."""
    if not _REPORTS.fullmatch(name):
        return None
    try:
        path = (campaign / name).resolve(strict=True)
    except (OSError, ValueError):
        return None
    return path if path.is_relative_to(campaign.resolve()) and path.is_file() else None


def report_html(path: Path) -> str:
    """A report, with this version's own Plotly instead of the file beside it."""
    text = path.read_text(encoding="utf-8", errors="replace")
    if f"<script>{page_scripts()[0]}</script>" not in text:
        text = text.replace(_BODY, _BODY + _OTHER, 1)
    return _PLOTLY.sub(lambda _: f"<script>{packed_plotly()}</script>", text)


@cache
def report_policy() -> str:
    """Only this version's own scripts run, by their hashes (Content Security Policy Level 3, 2.3.1), and what they make
    of their own: a blob has no other maker."""
    hashes = (b64encode(sha256(script.encode()).digest()).decode() for script in page_scripts())
    scripts = " ".join(f"'sha256-{one}'" for one in hashes)
    return (
        f"default-src 'none'; script-src {scripts} blob:; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
