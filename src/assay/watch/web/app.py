"""The routes: pages, their events, what they load, and finished reports. All answer GET alone, and none writes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response, StreamingResponse
from starlette.routing import Route

from assay.errors import UserError
from assay.runs import CampaignFolder, read_campaign
from assay.watch.follow import named
from assay.watch.web.channel import Channel
from assay.watch.web.guard import Guard
from assay.watch.web.pages import ASSETS, campaign_page, index_page, saved_page
from assay.watch.web.served import file_of, report_html, report_policy
from assay.watch.web.sources import CampaignSource, IndexSource, campaign_in

_INDEX_EVERY_S = 5.0
_OWN_PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Plotly sets styles of its own."""


class Site:
    """A folder of results as pages."""

    def __init__(self, results: Path, token: str | None = None) -> None:
        self._results = results
        self._channels: dict[tuple[str, str | None], Channel] = {}
        places = ("/campaigns/{campaign}/", "/campaigns/{campaign}/runs/{run}/")
        self.app = Starlette(
            routes=[
                Route("/", self._index, methods=["GET"]),
                Route("/events", self._index_events, methods=["GET"]),
                Route("/assets/{name}", self._asset, methods=["GET"]),
                *(Route(place, self._campaign, methods=["GET"]) for place in places),
                *(Route(f"{place}events", self._events, methods=["GET"]) for place in places),
                *(Route(f"{place}saved.html", self._saved, methods=["GET"]) for place in places),
                Route("/campaigns/{campaign}/{name:path}", self._file, methods=["GET"]),
            ],
            middleware=[Middleware(Guard, token=token)],
        )

    async def close(self) -> None:
        """End every stream, so that the server can end."""
        for channel in self._channels.values():
            await channel.close()

    def _index(self, request: Request) -> Response:
        return HTMLResponse(index_page(self._results.resolve().name), headers={"content-security-policy": _OWN_PAGE})

    async def _index_events(self, request: Request) -> Response:
        return self._stream(("", None), lambda: Channel(IndexSource(self._results), _INDEX_EVERY_S))

    def _campaign(self, request: Request) -> Response:
        folder, run = self._found(request)
        page = campaign_page(folder.path.name, run)
        return HTMLResponse(page, headers={"content-security-policy": _OWN_PAGE})

    async def _events(self, request: Request) -> Response:
        folder, run = await asyncio.to_thread(self._found, request)
        return self._stream((folder.path.name, run), lambda: Channel(CampaignSource(folder, run)))

    def _saved(self, request: Request) -> Response:
        folder, run = self._found(request)
        page = saved_page(folder.path.name, run, CampaignSource(folder, run).look())
        name = f"{run or folder.path.name}.html"  # both are letters, digits, dots, dashes and underscores
        return HTMLResponse(page, headers={"content-disposition": f'attachment; filename="{name}"'})

    def _asset(self, request: Request) -> Response:
        asset = ASSETS.get(request.path_params["name"])
        if asset is None:
            raise HTTPException(404)
        return Response(asset.content(), media_type=asset.media_type, headers=asset.headers)

    def _file(self, request: Request) -> Response:
        folder = self._campaign_of(request)
        path = file_of(folder.path, request.path_params["name"])
        if path is None:
            raise HTTPException(404)
        if path.suffix == ".html":
            return HTMLResponse(report_html(path), headers={"content-security-policy": report_policy()})
        return FileResponse(path)

    def _campaign_of(self, request: Request) -> CampaignFolder:
        folder = campaign_in(self._results, request.path_params["campaign"])
        if folder is None:
            raise HTTPException(404)
        return folder

    def _found(self, request: Request) -> tuple[CampaignFolder, str | None]:
        """The campaign that is asked for, and the run of it where one is."""
        folder, run = self._campaign_of(request), request.path_params.get("run")
        try:
            if run is not None:
                named(read_campaign(folder), run)
        except UserError:
            raise HTTPException(404) from None
        return folder, run

    def _stream(self, key: tuple[str, str | None], make: Callable[[], Channel]) -> Response:
        self._channels = {known: channel for known, channel in self._channels.items() if channel.going}
        channel = self._channels.setdefault(key, make())
        return StreamingResponse(channel.listen(), media_type="text/event-stream")
