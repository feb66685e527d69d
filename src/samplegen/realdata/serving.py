"""A dataset on loopback: its pages, its pictures, and its price list with addresses that lead here."""

import ipaddress
import json
import os
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlsplit

from samplegen import __version__
from samplegen.domain.pricelist import COLUMNS
from samplegen.errors import CollectError
from samplegen.export.cells import csv_line, quoted_line
from samplegen.export.csv_images import TABLE
from samplegen.export.reading import read_dataset
from samplegen.realdata.columns import plain_table
from samplegen.realdata.pages import Places, Row, front_page, item_page, missing_page
from samplegen.realdata.spool import Spool, Spooled

JSON_LINES = "Dataset.jsonl"
PAGE_ROWS = 60
_PAGE = re.compile(r"[0-9]{1,9}")
_URL_SIGNS = "/:?&=%+,;@!$'()*~-._"
_POLICY = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'"
_KINDS = (
    (b"\xff\xd8", "image/jpeg"),
    (b"\x89PNG", "image/png"),
    (b"GIF8", "image/gif"),
    (b"RIFF", "image/webp"),
)


@dataclass(frozen=True, slots=True)
class _Answer:
    kind: str
    content: bytes
    etag: str


class Shop:
    """What is served: rows, places and pictures; a context manager.

    Pictures lie in a temporary file until it is closed, so that memory does not fill.
    """

    def __init__(self, dataset: str | os.PathLike[str]) -> None:
        """Read a dataset: its folder, or one of its files.

        Raises:
            ExportError: If there is none.
            CollectError: If it has no rows, a picture of it cannot be read, or a column of texts holds none.
        """
        dataset = Path(dataset)
        self.name = dataset.resolve().stem if dataset.is_file() else dataset.resolve().name
        self.rows: list[Row] = []
        self.places: list[Places] = []
        self._spool = Spool()
        self._items: dict[str, int] = {}
        self._images: dict[str, tuple[Spooled, str]] = {}
        try:
            self._read(dataset)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _read(self, dataset: Path) -> None:
        for piece in read_dataset(dataset):
            table = piece.table.select([name for name in piece.table.column_names if name in COLUMNS])
            try:
                rows = plain_table(table).to_pylist()
            except CollectError as error:
                raise CollectError(f"{dataset}: {error}") from error
            for number, row in enumerate(rows):
                try:
                    picture = piece.pictures[number]() if piece.pictures else b""
                except OSError as error:
                    raise CollectError(
                        f"{dataset}: the picture of row {len(self.rows)} cannot be read: {error}. "
                        f"`samplegen validate` lists all that is missing."
                    ) from error
                self._add(row, picture)
        if not self.rows:
            raise CollectError(f"{dataset}: has no rows to serve.")

    def close(self) -> None:
        """Remove the pictures' file."""
        self._spool.close()

    def _add(self, row: Row, picture: bytes) -> None:
        item, image = _place(row.get("itemurl")), _place(row.get("imageurl"))
        if item:
            self._items.setdefault(item, len(self.rows))
        if picture and image and image not in self._images:
            self._images[image] = (self._spool.add(picture), _etag(picture))
        self.rows.append(row)
        self.places.append(Places(item, image if image in self._images else ""))

    def find(self, target: str, origin: str) -> _Answer | None:
        """Return what stands at a request's target, or None.

        Args:
            target: Path and query, as they came.
            origin: Where this server is, such as ``http://127.0.0.1:8000``.
        """
        path, _, query = target.partition("?")
        if path == "/":
            return self._front(query)
        if path == f"/{TABLE}":
            return _answer("text/csv; charset=utf-8", "".join(self._csv(origin)))
        if path == f"/{JSON_LINES}":
            return _answer("application/x-ndjson", "".join(self._json_lines(origin)))
        if target in self._images:
            return self._picture(*self._images[target])
        if target in self._items:
            number = self._items[target]
            return _answer("text/html; charset=utf-8", item_page(self.rows[number], self.places[number]))
        return None

    def _front(self, query: str) -> _Answer | None:
        pages = -(-len(self.rows) // PAGE_ROWS)
        number = query.removeprefix("page=") if query else "1"
        page = int(number) if _PAGE.fullmatch(number) else 0
        if not 1 <= page <= pages:
            return None
        start = (page - 1) * PAGE_ROWS
        shown = list(zip(self.rows, self.places, strict=True))[start : start + PAGE_ROWS]
        text = front_page(shown, name=self.name, page=page, pages=pages, total=len(self.rows))
        return _answer("text/html; charset=utf-8", text)

    def _picture(self, spooled: Spooled, etag: str) -> _Answer:
        content = self._spool.read(spooled)
        kind = next((kind for start, kind in _KINDS if content.startswith(start)), "application/octet-stream")
        return _Answer(kind, content, etag)

    def _csv(self, origin: str) -> Iterator[str]:
        yield csv_line(list(self.rows[0]))
        for row in self._listed(origin):
            yield quoted_line(row.values())

    def _json_lines(self, origin: str) -> Iterator[str]:
        return (json.dumps(row, ensure_ascii=False) + "\n" for row in self._listed(origin))

    def _listed(self, origin: str) -> Iterator[Row]:
        """Yield rows whose addresses lead to this server; what is no address stays."""
        for row in self.rows:
            places = {"itemurl": _place(row.get("itemurl")), "imageurl": _place(row.get("imageurl"))}
            yield {**row, **{name: f"{origin}{place}" for name, place in places.items() if place}}


def _place(address: Any) -> str:  # noqa: ANN401  # a cell, which should be text
    """Return where an address is served here: ``https://shop.example/a?b`` at ``/shop.example/a?b``."""
    try:
        parts = urlsplit(str(address or "").strip())
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return ""
    query = f"?{parts.query}" if parts.query else ""
    return quote(f"/{parts.netloc}{parts.path}{query}", safe=_URL_SIGNS)


def _answer(kind: str, text: str) -> _Answer:
    content = text.encode("utf-8", "replace")
    return _Answer(kind, content, _etag(content))


def _etag(content: bytes) -> str:
    return f'"{sha256(content).hexdigest()[:32]}"'


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = f"samplegen/{__version__}"
    sys_version = ""
    disable_nagle_algorithm = True  # else headers and body of a kept connection wait for each other
    timeout = 60
    server: "ShopServer"

    def do_GET(self) -> None:
        """Answer with headers and body."""
        self._respond(body=True)

    def do_HEAD(self) -> None:
        """Answer with headers."""
        self._respond(body=False)

    def _respond(self, *, body: bool) -> None:
        if not self.server.is_named(self.headers.get("Host", "")):
            # A page of the web may give its own name this machine's address, and would read along.
            refusal = _answer("text/plain; charset=utf-8", f"Ask for {self.server.origin}\n")
            self._send(HTTPStatus.MISDIRECTED_REQUEST, refusal, body=body)
            return
        found = self.server.shop.find(self.path, self.server.origin)
        if found is None:
            found = _answer("text/html; charset=utf-8", missing_page(self.path))
            self._send(HTTPStatus.NOT_FOUND, found, body=body)
        elif _matches(self.headers.get("If-None-Match"), found.etag):
            self._send(HTTPStatus.NOT_MODIFIED, found, body=False)
        else:
            self._send(HTTPStatus.OK, found, body=body)

    def _send(self, status: HTTPStatus, answer: _Answer, *, body: bool) -> None:
        self.send_response(status)
        if status != HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(len(answer.content)))
        if status in (HTTPStatus.OK, HTTPStatus.NOT_MODIFIED):
            self.send_header("ETag", answer.etag)
        self.send_header("Content-Security-Policy", _POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if body:
            self.wfile.write(answer.content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: ANN401
        """Say nothing: a crawler asks thousands of times."""


def _matches(header: str | None, etag: str) -> bool:
    known = [part.strip().removeprefix("W/") for part in (header or "").split(",")]
    return "*" in known or etag in known


class ShopServer(ThreadingHTTPServer):
    """Serves a `Shop` until it is closed."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, shop: Shop, host: str, port: int) -> None:
        """Bind to a loopback address.

        Args:
            shop: What is served.
            host: ``127.0.0.1``, ``::1`` or ``localhost``.
            port: 0 for any that is free.

        Raises:
            CollectError: If the host is not loopback or the port is taken.
        """
        self.shop = shop
        address = _loopback(host)
        if not 0 <= port <= 65535:
            raise CollectError(f"port is {port}; allowed are 0 (any that is free) to 65535.")
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            super().__init__((address, port), _Handler)
        except OSError as error:
            raise CollectError(f"{host}:{port}: cannot be served at: {error.strerror}.") from error

    @property
    def origin(self) -> str:
        """Where the server is, such as ``http://127.0.0.1:8000``."""
        host, port = self.server_address[:2]
        return f"http://[{host!s}]:{port}" if ":" in str(host) else f"http://{host!s}:{port}"

    def is_named(self, host: str) -> bool:
        """Tell whether a Host header names this server: a loopback address or localhost, and its port."""
        try:
            parts = urlsplit(f"//{host}")
            name, port = parts.hostname or "", parts.port or 80
        except ValueError:
            return False
        return port == self.server_address[1] and (name == "localhost" or _is_loopback(name))

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Say nothing when a client hangs up."""


def _loopback(host: str) -> str:
    address = "127.0.0.1" if host == "localhost" else host
    if _is_loopback(address):
        return address
    raise CollectError(
        f"host is {host!r}; a dataset is served on loopback only: 127.0.0.1, ::1 or localhost. "
        "For other machines, upload it or put a web server of your own in front."
    )


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
