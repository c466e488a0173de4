"""`assay watch`: a campaign that another process carries out, seen from here."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from assay.commands.elsewhere import command_there, elsewhere
from assay.commands.options import PATH
from assay.errors import UserError
from assay.extras import require
from assay.serving.words import harmless

if TYPE_CHECKING:
    from rich.console import Console

    from assay.watch import Follower, Scene

_EVERY_S = 0.5


@click.command()
@click.argument("campaign", type=PATH, required=False)
@click.option("--output", type=PATH, default=Path("results"), show_default=True, help="Where campaign folders are.")
@click.option("--once", is_flag=True, help="Look once, and end.")
@click.option("--web", is_flag=True, help="Serve pages for browsers instead: all campaigns, each live.")
@click.option("--host", default="127.0.0.1", show_default=True, help="With --web; others than loopback need a token.")
@click.option("--port", type=click.IntRange(0, 65535), default=8643, show_default=True, help="With --web; 0: any.")
def watch(campaign: Path | None, output: Path, once: bool, web: bool, host: str, port: int) -> None:
    """Follow CAMPAIGN while it runs, or see how it ended; without it, the newest. Ctrl-C leaves it alone.

    CAMPAIGN may be a run's folder: that run alone is followed. It may be [USER@]HOST:PATH, or HOST: for the newest
    there: through ssh, with the assay of that machine.
    """
    if campaign is not None and (there := elsewhere(campaign)) is not None:
        if web:
            raise UserError(
                f"--web serves what is here: run it on {there[0]}, and reach it by ssh -L {port}:localhost:{port}"
            )
        _watch_there(*there, output, once=once)
    if web and once:
        raise UserError("--once prints to a terminal; --web serves until Ctrl-C, and its pages save themselves")
    if web:
        _serve(campaign, output, host, port)
        return

    from rich.console import Console

    from assay.commands.live import moves
    from assay.runs import CampaignFolder
    from assay.watch import Follower, newest

    folder, run = (newest(output).path, None) if campaign is None else _chosen(campaign)
    follower, console = Follower(CampaignFolder(folder), run), Console(highlight=False)
    try:
        if moves(console):
            _show(follower, console, once=once)
        else:
            _tell(follower, once=once)
    except KeyboardInterrupt:
        sys.exit(0)


def _watch_there(host: str, path: str, output: Path, *, once: bool) -> NoReturn:
    """Become ssh. Raises UserError where it is missing."""
    words = ["assay", "watch", *([path] if path else ["--output", str(output)]), *(["--once"] if once else [])]
    command = command_there(host, words, terminal=sys.stdin.isatty() and sys.stdout.isatty())
    try:
        os.execvp(command[0], command)  # noqa: S606 - Ctrl-C, the terminal's size and the exit code are ssh's from here
    except OSError as error:
        raise UserError(f"{host}:{path}: ssh can't be started: {error.strerror}; install OpenSSH's client") from None


def _chosen(path: Path) -> tuple[Path, str | None]:
    """The campaign's folder, and the run where the path is a run's folder."""
    path = path.resolve()
    is_run = path.parent.name == "runs" and not (path / "campaign.json").exists()
    return (path.parent.parent, path.name) if is_run else (path, None)


def _ended(follower: Follower, scene: Scene) -> bool:
    """Whether nothing more will be seen: of the campaign, or of the one run that is followed."""
    return scene.over or (follower.only is not None and scene.run is not None and scene.run.ended)


def _show(follower: Follower, console: Console, *, once: bool) -> None:
    """One screen that is drawn again and again; it stays when all is over."""
    from rich.live import Live

    from assay.watch import screen

    scene = follower.poll()
    if once or _ended(follower, scene):
        console.print(screen(scene, console.width, console.height))
        return
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while not _ended(follower, scene):
            live.update(screen(scene, console.width, console.height), refresh=True)
            time.sleep(_EVERY_S)
            scene = follower.poll()
    console.print(screen(scene, console.width, console.height))


def _tell(follower: Follower, *, once: bool) -> None:
    """Lines, for files and pipes."""
    from assay.watch import Narrator

    narrator = Narrator()
    while True:
        scene = follower.poll()
        for line in narrator.tell(scene):
            click.echo(harmless(line))
        if once or _ended(follower, scene):
            return
        time.sleep(_EVERY_S)


def _serve(campaign: Path | None, output: Path, host: str, port: int) -> None:
    """Pages of the campaign's folder of results, else of `output`, until Ctrl-C."""
    require("web", "watch --web")
    from assay.runs import CampaignFolder, read_campaign
    from assay.watch.web import Place, serve

    page = ""
    if campaign is not None:
        chosen, run = _chosen(campaign)
        read_campaign(CampaignFolder(chosen))
        output, page = chosen.parent, f"campaigns/{chosen.name}/" + (f"runs/{run}/" if run else "")

    def ready(address: str) -> None:
        click.echo(f"{address}\nCtrl-C ends the pages; the campaign goes on.")

    try:
        serve(output, Place(host, port), ready, page)
    except KeyboardInterrupt:
        sys.exit(0)
