"""The pages of `SRT_HOME/reports` served on this machine: `python -m pipelines.pages`. Not here: writing them.

Read only, and nothing that holds a participant's record: see `is_page`. The index is made as it is asked for, so that
it can lead to the runs in Dagster's pages, which a file can't.
"""

import argparse
import ipaddress
import logging
import os
import re
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pipelines.home import Home

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

LOG = logging.getLogger("srt")
KINDS = (".html", ".docx", ".pdf", ".svg", ".png", ".css")
TABLES = ("results.csv", "checklist.csv")  # of a trial's folder; below `tables` every .csv
RUN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Each page narrows it down by a policy of its own, which knows its one script by its hash.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; "
    "script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}


@dataclass(frozen=True, slots=True)
class Served:
    """What is served, and to whom."""

    home: Home
    dagster_port: int
    names: Collection[str] = ()  # host names under which the pages may be asked for; none named means any


def is_page(path: str) -> bool:
    """Say whether a path below the reports may be shown: pages, figures, tables of statistics.

    What is hidden, below a folder `data`, or of another kind may hold participants' records. A CSV is told by its
    place: a trial's folder may have any name, `tables` too.
    """
    parts = PurePosixPath(path.lower()).parts
    if not parts or "data" in parts or any(part.startswith(".") for part in parts):
        return False
    suffix, name = PurePosixPath(parts[-1]).suffix, parts[-1].replace("-shuffled.", ".")
    if suffix != ".csv":
        return suffix in KINDS
    return (len(parts) == 2 and name in TABLES) or (len(parts) == 3 and parts[1] == "tables")


def application(served: Served) -> "Starlette":
    """Return the server's routes: the index, the way to a run in Dagster's pages, and the files."""
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.routing import Mount, Route

    def index(request: "Request") -> "Response":
        return _index(served, request.url.path)

    def to_dagster(request: "Request") -> "Response":
        return _to_dagster(served, request)

    routes = [
        Route("/", index),
        Route("/index.html", index),
        Route("/dagster", to_dagster),
        Route("/runs/{run}", to_dagster),
        Mount("/", _files(served.home)),
    ]
    return Starlette(routes=routes, middleware=[Middleware(_Guard, names=served.names)])


def _files(home: Home) -> Any:
    from starlette.exceptions import HTTPException
    from starlette.responses import Response
    from starlette.staticfiles import StaticFiles
    from starlette.types import Scope

    class Pages(StaticFiles):
        """The files of the reports that may be shown."""

        async def get_response(self, path: str, scope: Scope) -> Response:
            if scope["method"] in {"GET", "HEAD"} and not is_page(Path(path).as_posix()):
                raise HTTPException(status_code=404)
            return await super().get_response(path, scope)

        def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
            found, status = super().lookup_path(path)  # a link's target is what counts
            root = os.path.realpath(reports)
            return (found, status) if status and is_page(os.path.relpath(found, root)) else ("", None)

    reports = home.root / "reports"
    reports.mkdir(parents=True, exist_ok=True)
    return Pages(directory=reports)


class _Guard:
    """Answers under the names it knows alone, and puts the headers on every answer.

    A page elsewhere could have its own name lead to this machine and read what is served here.
    """

    def __init__(self, app: Any, names: Collection[str]) -> None:
        self.app, self.names = app, names

    async def __call__(
        self, scope: dict[str, Any], receive: Any, send: Callable[[Any], Awaitable[None]]
    ) -> None:
        from starlette.datastructures import Headers, MutableHeaders
        from starlette.responses import PlainTextResponse

        async def with_headers(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        asked = host_of(Headers(scope=scope).get("host", "")) if scope["type"] == "http" else ""
        if scope["type"] == "http" and (not asked or (self.names and asked not in self.names)):
            await PlainTextResponse("These pages are not known under that name.", 400)(
                scope, receive, with_headers
            )
            return
        await self.app(scope, receive, with_headers)


def host_of(header: str) -> str:
    """Return the name in a Host header, `name`, `name:port` or `[address]:port`; "" of anything else."""
    try:
        parts = urlsplit(f"//{header}")
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        return ""
    name = parts.hostname or ""
    whole = f"[{name}]" if ":" in name else name
    return name if header.lower() in {whole, whole + port} else ""


def _index(served: Served, path: str) -> "Response":
    """Return the index with ways to the runs; the file the last run wrote where it can't be made."""
    from starlette.exceptions import HTTPException
    from starlette.responses import FileResponse, HTMLResponse

    from pipelines.index_page import index_page, index_path

    try:
        return HTMLResponse(index_page(served.home, runs="runs/"))
    except Exception as error:  # noqa: BLE001 - the last page is better than none
        LOG.warning("The index can't be made (%s at %s); the last one is served.", type(error).__name__, path)
    if not (last := index_path(served.home)).is_file():
        raise HTTPException(status_code=503)
    return FileResponse(last)


def _to_dagster(served: Served, request: "Request") -> "Response":
    """Lead on to Dagster's pages under the name these are asked for."""
    from starlette.exceptions import HTTPException
    from starlette.responses import RedirectResponse

    run = request.path_params.get("run")
    if run is not None and not RUN.fullmatch(run):
        raise HTTPException(status_code=404)
    host = host_of(request.headers.get("host", "")) or "127.0.0.1"
    place = f"[{host}]" if ":" in host else host
    return RedirectResponse(f"http://{place}:{served.dagster_port}/{f'runs/{run}' if run else ''}", 302)


def names_of(host: str, known_as: str = "") -> Collection[str]:
    """Return under which names pages at an address may be asked for; none named means any.

    Args:
        host: The address they are served at.
        known_as: The address readers know them by, such as a proxy's; "" when there is none.
    """
    try:
        is_own = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_own = host == "localhost"
    if not is_own:
        return ()
    return {"localhost", "127.0.0.1", "::1", host, *filter(None, [urlsplit(known_as).hostname])}


def serve(served: Served, listening: socket.socket) -> None:
    """Serve the pages on a socket until the process that started this one has ended, or a signal comes."""
    from uvicorn import Config, Server

    config = Config(
        application(served), log_config=None, server_header=False, date_header=False, lifespan="off"
    )
    server = Server(config)
    threading.Thread(target=_end_with_parent, args=(server,), daemon=True).start()
    server.run(sockets=[listening])


def _end_with_parent(server: Any) -> None:
    """Wait on standard input, whose other end the parent holds as long as it lives."""
    os.read(0, 1)  # nothing is ever written; `sys.stdin` would be locked as the process ends
    server.should_exit = True


def main() -> None:
    """Serve on the socket that was handed over."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--socket", type=int, required=True, help="its file descriptor")
    parser.add_argument("--dagster-port", type=int, required=True)
    said = parser.parse_args()
    names = names_of(said.host, os.environ.get("SRT_PAGES", ""))
    try:
        serve(Served(Home(said.home), said.dagster_port, names), socket.socket(fileno=said.socket))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
