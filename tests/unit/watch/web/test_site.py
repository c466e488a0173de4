"""The routes: who may look, what is sent, and what never is."""

from __future__ import annotations

import asyncio
import re
from base64 import b64encode
from collections.abc import MutableMapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from tests.following import begin, campaign, entry, progress
from tests.synthetic import Node, Plan, write_campaign

from assay.errors import UserError
from assay.report import CampaignPages
from assay.report.writer import page_scripts
from assay.runs import RunStatus
from assay.watch.web.app import Site
from assay.watch.web.guard import is_loopback
from assay.watch.web.server import Place, serve

NAME = "20260101T000000Z-a"
TOKEN = "a-token-of-this-test"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = campaign(tmp_path / "results" / NAME, [entry(0, "run-0", RunStatus.COMPLETED), entry(1, "run-1")])
    begin(folder, "run-1", progress(1, 40))
    folder.report.write_text("<p>the report</p>")
    folder.run("run-0").report.write_text("<p>the run's report</p>")
    (folder.path / "charts").mkdir()
    (folder.path / "charts" / "plotly-1.js").write_text("foreign")
    (folder.path / "charts" / "rate.png").write_bytes(b"picture")
    (tmp_path / "secret.txt").write_text("secret")
    return tmp_path / "results"


@dataclass
class Answer:
    status_code: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


def ask(results: Path, target: str, *, token: str | None = None, method: str = "GET", **headers: str) -> Answer:
    """A request whose target stands as it is: clients take "/../" out of it."""
    path, _, query = target.partition("?")
    headers = {"host": "localhost:8643", **headers}
    scope: dict[str, Any] = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "method": method,
        "path": unquote(path), "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "server": ("127.0.0.1", 8643), "client": ("127.0.0.1", 40000),
    }  # fmt: skip
    sent: list[MutableMapping[str, Any]] = []

    asked = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        while not asked:
            await asyncio.sleep(1)  # the client stays
        return asked.pop()

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    asyncio.run(Site(results, token).app(scope, receive, send))
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], found, b"".join(message.get("body", b"") for message in sent[1:]))


@pytest.mark.parametrize(
    "path", ["/", f"/campaigns/{NAME}/", f"/campaigns/{NAME}/runs/run-1/", "/assets/live.js", "/assets/page.css"]
)
def test_pages_load_nothing_from_outside_and_run_no_script_within(results: Path, path: str) -> None:
    answer = ask(results, path)
    assert answer.status_code == 200
    assert "http://" not in answer.text.replace("http://www.w3.org/", "")
    assert "https://" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    if answer.headers["content-type"].startswith("text/html"):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self';" in policy
        assert "<script>" not in answer.text


def test_a_report_may_do_here_what_it_may_as_a_file(results: Path) -> None:
    plans = {f"alone-{name}-r0": Plan(nodes=(Node(f"node-{name}"),), samples=30, chunks=False) for name in "ab"}
    CampaignPages(write_campaign(results, plans, identity="drawn")).render()
    answer = ask(results, "/campaigns/drawn/report.html")
    (own,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', answer.text)
    served, asked = _sources(answer.headers["content-security-policy"]), _sources(own)
    assert "blob:" in asked.pop("script-src")  # which it has its charts' script from
    assert "blob:" in served["script-src"]
    scripts = re.findall(r"<script>(.*?)</script>", answer.text, re.DOTALL)
    assert len(scripts) == 3
    assert {_hash(script) for script in scripts} <= served["script-src"]
    assert "Another version" not in answer.text
    for kind, sources in asked.items():
        assert sources <= served[kind], kind


def _hash(script: str) -> str:
    return f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'"


def _sources(policy: str) -> dict[str, set[str]]:
    kinds = [part.split() for part in policy.split(";")]
    return {kind: set(sources) for kind, *sources in kinds}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", ["/", "/events", f"/campaigns/{NAME}/", f"/campaigns/{NAME}/report.html"])
def test_nothing_but_get_is_answered(results: Path, method: str, path: str) -> None:
    assert ask(results, path, method=method).status_code == 405


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("report.html", "<p>the report</p>"),
        ("runs/run-0/report.html", "<p>the run's report</p>"),
        ("charts/rate.png", "picture"),
    ],
)
def test_finished_reports_are_served(results: Path, path: str, words: str) -> None:
    answer = ask(results, f"/campaigns/{NAME}/{path}")
    assert answer.status_code == 200
    assert words in answer.text


def test_no_script_of_a_folder_runs(results: Path) -> None:
    """Whoever wrote the campaign: a report's scripts are those of this version, by their hashes, or none."""
    foreign = (
        '<body><script>steal()</script><script src="charts/plotly-1.js"></script><p onclick="steal()">x</p></body>'
    )
    (results / NAME / "report.html").write_text(foreign)
    answer = ask(results, f"/campaigns/{NAME}/report.html")
    allowed = _sources(answer.headers["content-security-policy"])["script-src"]
    assert allowed == {"blob:", *map(_hash, page_scripts())}
    assert "src=" not in answer.text
    assert "Another version of Assay" in answer.text
    assert ask(results, f"/campaigns/{NAME}/charts/plotly-1.js").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        f"/campaigns/{NAME}/campaign.json",
        f"/campaigns/{NAME}/runs/run-1/progress.jsonl",
        f"/campaigns/{NAME}/runs/run-1/missing/",
        f"/campaigns/{NAME}/runs/run-9/",
        f"/campaigns/{NAME}/runs/../",
        f"/campaigns/{NAME}/../../secret.txt",
        f"/campaigns/{NAME}/charts/../../../secret.txt",
        f"/campaigns/{NAME}/charts/..%2f..%2f..%2fsecret.txt",
        f"/campaigns/{NAME}/charts/%00.png",
        "/campaigns/../",
        "/campaigns/%2e%2e/secret.txt",
        "/campaigns/..%2f..%2fsecret.txt",
        "/campaigns/none/",
        "/campaigns/%00/",
        f"/campaigns/{'long' * 200}/",
        "/assets/../app.py",
        "/assets/base.html.j2",
        "/secret.txt",
    ],
)
def test_nothing_else_is_sent(results: Path, path: str) -> None:
    answer = ask(results, path)
    assert answer.status_code == 404
    assert "secret" not in answer.text.replace("secret.txt", "")


def test_links_that_lead_out_are_not_followed(results: Path, tmp_path: Path) -> None:
    folder = results / NAME
    outside = campaign(tmp_path / "elsewhere", [entry(0)])
    outside.report.write_text("secret")
    (results / "linked").symlink_to(outside.path)
    (folder / "charts" / "x.png").symlink_to(tmp_path / "secret.txt")
    (folder / "runs" / "run-1" / "report.html").symlink_to(tmp_path / "secret.txt")
    for path in ("/campaigns/linked/", "/campaigns/linked/report.html"):
        assert ask(results, path).status_code == 404
    for name in ("charts/x.png", "runs/run-1/report.html"):
        assert ask(results, f"/campaigns/{NAME}/{name}").status_code == 404


def test_a_foreign_name_that_leads_here_is_refused(results: Path) -> None:
    for host in ("evil.example", "evil.example:8643", "127.0.0.1.evil.example", "", "[::1", "10.0.0.1"):
        answer = ask(results, "/", host=host)
        assert answer.status_code == 403, host
        assert "campaign" not in answer.text
    for host in ("localhost:1234", "127.0.0.1:8643", "[::1]:8643", "127.0.0.1"):
        assert ask(results, "/", host=host).status_code == 200, host


def test_with_a_token_nothing_is_seen_without_it(results: Path) -> None:
    for path in (
        "/",
        "/events",
        f"/campaigns/{NAME}/report.html",
        "/assets/live.js",
        "/none",
        "/?token=wrong",
        "/?token=",
    ):
        answer = ask(results, path, token=TOKEN)
        assert answer.status_code == 401, path
        assert TOKEN not in answer.text
    assert ask(results, "/", token=TOKEN, cookie="assay_watch_8643=wrong").status_code == 401


def test_the_token_becomes_a_cookie_that_scripts_and_other_sites_do_not_have(results: Path) -> None:
    answer = ask(results, f"/campaigns/{NAME}/?token={TOKEN}", token=TOKEN, host="node-a:8643")
    assert answer.status_code == 200
    cookie = answer.headers["set-cookie"]
    for word in ("HttpOnly", "SameSite=strict", "Path=/"):
        assert word in cookie
    assert TOKEN not in answer.text  # nor in the page's next address
    assert answer.headers["cache-control"] == "no-store"
    again = ask(results, f"/campaigns/{NAME}/", token=TOKEN, cookie=cookie.partition(";")[0], host="node-a:8643")
    assert again.status_code == 200
    assert "Connecting" in again.text


def test_a_saved_page_is_whole_and_names_can_not_become_markup(results: Path) -> None:
    folder = campaign(results / NAME, [entry(0, "run-1")])
    folder.run("run-1").driver_log.write_text("</script><script>alert(1)</script>\n")
    answer = ask(results, f"/campaigns/{NAME}/saved.html")
    assert answer.headers["content-disposition"] == f'attachment; filename="{NAME}.html"'
    assert "plotlyPacked" in answer.text
    assert "40/1,000 samples" in answer.text
    assert "<script>alert" not in answer.text
    assert "src=" not in answer.text.split("plotlyPacked")[0]


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True), ("127.0.0.2", True), ("::1", True), ("[::1]", True), ("localhost", True), ("", False),
        ("0.0.0.0", False), ("::", False), ("10.0.0.1", False), ("node-a", False), ("localhost.evil.example", False),
    ],
)  # fmt: skip
def test_who_needs_no_token(host: str, loopback: bool) -> None:
    assert is_loopback(host) == loopback


def test_a_port_that_is_taken_is_said(results: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(UserError, match="choose another with --port"):
        serve(results, Place(port=taken.getsockname()[1]), lambda address: pytest.fail("it isn't ready"))
