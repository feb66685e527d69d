"""A web server with bad manners, for the tests of `samplegen collect`: the first part of a path names the manner."""

import gzip
import io
import socket
import struct
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from PIL import Image


def picture(number: int = 0, *, form: str = "JPEG", size: int = 8, **options: object) -> bytes:
    """Return a small picture whose colours tell its number."""
    output = io.BytesIO()
    colour = (number % 251, number // 251 % 251, 90)
    Image.new("RGB", (size, size), colour).save(output, form, **options)
    return output.getvalue()


def bomb(side: int = 30_000) -> bytes:
    """Return a PNG of a few kilobytes that claims side x side pixels."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content))
            + name
            + content
            + struct.pack(">I", zlib.crc32(name + content) & 0xFFFFFFFF)
        )

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    lines = zlib.compress(bytes((side // 8 + 1) * 64), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", lines) + chunk(b"IEND", b"")


@dataclass
class MisbehavingServer:
    """Serves on loopback from a thread of this process, and notes what it was asked for."""

    asked: list[str] = field(default_factory=list)
    """Paths, in the order of the requests."""
    headers: list[dict[str, str]] = field(default_factory=list)
    sent: Counter[str] = field(default_factory=Counter)
    """Paths whose whole picture was sent."""
    drip_s: float = 0.05
    files: dict[str, bytes] = field(default_factory=dict)
    """What is at paths that begin with ``/file`` or, line by line, ``/lines``."""
    broken: set[str] = field(default_factory=set)
    """Paths that give an error for now."""
    most: Counter[str] = field(default_factory=Counter)
    """Most requests for slow pictures at the same time, by the host that was asked, and of all."""
    crowd: int = 0
    """Slow pictures wait until so many of them have been asked for at the same time."""
    let_go: threading.Event = field(default_factory=threading.Event)
    """Set it, and held pictures are sent."""

    def __post_init__(self) -> None:
        self._under_way: Counter[str] = Counter()
        self._counting = threading.Lock()
        self._crowded = threading.Event()
        handler = type("Handler", (_Handler,), {"owner": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        for waited_for in (self.let_go, self._crowded):
            waited_for.set()
        self._server.shutdown()
        self._server.server_close()

    @contextmanager
    def counted(self, host: str) -> Iterator[None]:
        for change in (1, -1):
            with self._counting:
                for name in (host, "all"):
                    self._under_way[name] += change
                    self.most[name] = max(self.most[name], self._under_way[name])
                if self.most["all"] >= self.crowd:
                    self._crowded.set()
            if change == 1:
                self._crowded.wait()
                yield

    def times(self, path: str) -> int:
        return self.asked.count(path)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # clients hang up; that is what they are tested for


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    owner: MisbehavingServer
    used = False  # whether this connection has had an answer

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self.owner.asked.append(self.path)
        self.owner.headers.append({name.lower(): value for name, value in self.headers.items()})
        _, manner, rest = self.path.split("/", 2)
        number = int("".join(filter(str.isdigit, rest)) or 0)
        getattr(self, f"_{manner.replace('-', '_')}")(number)

    def _reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        lines = [f"HTTP/1.1 {status} Reason", *(f"{n.replace('_', '-')}: {v}" for n, v in headers.items())]
        if status != 304 and "Content_Length" not in headers and "Transfer_Encoding" not in headers:
            lines.append(f"Content-Length: {len(body)}")
        self.wfile.write("\r\n".join([*lines, "", ""]).encode() + body)

    def _good(self, number: int) -> None:
        self._reply(200, picture(number), ETag=f'"{number}"', Last_Modified=formatdate(1e9, usegmt=True))
        self.owner.sent[self.path] += 1

    def _slow(self, number: int) -> None:
        with self.owner.counted(self.headers["Host"].partition(":")[0]):
            time.sleep(0.05)
        self._good(number)

    def _held(self, number: int) -> None:
        self.owner.let_go.wait()
        self._good(number)

    def _chunked(self, number: int) -> None:
        body = picture(number)
        self._reply(200, b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body), Transfer_Encoding="chunked")

    def _wide(self, number: int) -> None:
        """More pixels a side than a JPEG can have."""
        output = io.BytesIO()
        Image.new("RGB", (70_000, 1)).save(output, "PNG")
        self._reply(200, output.getvalue())

    def _file(self, number: int) -> None:
        self._reply(200, self.owner.files[self.path])

    def _lines(self, number: int) -> None:
        content = self.owner.files[self.path]
        self._reply(200, Content_Length=str(len(content)))
        for line in content.splitlines(keepends=True):
            time.sleep(self.owner.drip_s)
            self.wfile.write(line)

    def _busy_elsewhere(self, number: int) -> None:
        """A redirect to another name of this server, which refuses."""
        port = self.server.server_address[1]
        self._reply(302, Location=f"http://localhost:{port}/503/{number}.jpg")

    def _503(self, number: int) -> None:
        self._reply(503, Retry_After="1000")
        self.owner.sent[self.path] += 1

    def _png(self, number: int) -> None:
        self._reply(200, picture(number, form="PNG"))

    def _plain(self, number: int) -> None:
        self._reply(200, picture(number))

    def _etag(self, number: int) -> None:
        if self.path in self.owner.broken:
            self._reply(500)
        elif self.headers.get("If-None-Match") == f'"{number}"':
            self._reply(304, ETag=f'"{number}"')
        else:
            self._good(number)

    def _404(self, number: int) -> None:
        self._reply(404, b"no such picture")

    def _304(self, number: int) -> None:
        self._reply(304)

    def _403(self, number: int) -> None:
        self._reply(403)

    def _429(self, number: int) -> None:
        if self.owner.times(self.path) == 1:
            self._reply(429, b"slow down", Retry_After="1")
        else:
            self._good(number)

    def _429_date(self, number: int) -> None:
        if self.owner.times(self.path) == 1:
            self._reply(429, Retry_After=formatdate(time.time() + 2, usegmt=True))
        else:
            self._good(number)

    def _503_for_a_year(self, number: int) -> None:
        if self.owner.times(self.path) == 1:
            self._reply(503, Retry_After="31536000")
        else:
            self._good(number)

    def _500_twice(self, number: int) -> None:
        if self.owner.times(self.path) <= 2:
            self._reply(500, b"oops")
        else:
            self._good(number)

    def _500(self, number: int) -> None:
        self._reply(500)

    def _drip(self, number: int) -> None:
        self._reply(200, Content_Length="100000")
        for _ in range(2000):
            self.wfile.write(b"\xff")
            time.sleep(self.owner.drip_s)

    def _silent(self, number: int) -> None:
        time.sleep(5)

    def _truncated(self, number: int) -> None:
        body = picture(number, size=64)
        self._reply(200, body[: len(body) // 2], Content_Length=str(len(body)))
        self.close_connection = True

    def _babble(self, number: int) -> None:
        """No HTTP, but a sequence that clears a terminal, and much of it."""
        self.wfile.write(b"\x1b[2J" * 5000 + b"\r\n\r\n")
        self.close_connection = True

    def _longer(self, number: int) -> None:
        """More bytes than were declared."""
        body = picture(number)
        self._reply(200, body + b"and more", Content_Length=str(len(body)))

    def _once(self, number: int) -> None:
        """A connection that ends after one answer, without a word."""
        self._reply(200, picture(number))
        self.close_connection = True

    def _unmeasured_once(self, number: int) -> None:
        """No declared length: the end of the connection is the end of the body, the first time after half of it."""
        body = picture(number, size=64)
        half = body[: len(body) // 2] if self.owner.times(self.path) == 1 else body
        self.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + half)
        self.close_connection = True

    def _chunk_once(self, number: int) -> None:
        """Chunks, the first time without the last one."""
        body = picture(number, size=64)
        if self.owner.times(self.path) == 1:
            half = body[: len(body) // 2]
            self._reply(200, b"%x\r\n%s\r\n" % (len(half), half), Transfer_Encoding="chunked")
            self.close_connection = True
        else:
            self._reply(200, b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body), Transfer_Encoding="chunked")

    def _cut_once(self, number: int) -> None:
        """Half a picture the first time, as if that were all."""
        body = picture(number, size=64)
        self._reply(200, body[: len(body) // 2] if self.owner.times(self.path) == 1 else body)

    def _kept_closed(self, number: int) -> None:
        """A kept connection that ends when it is used again, before any byte of an answer."""
        if self.used:
            self.close_connection = True
        else:
            self.used = True
            self._reply(200, picture(number))

    def _kept_reset(self, number: int) -> None:
        """A kept connection that is reset when it is used again."""
        if self.used:
            self._reset(number)
        else:
            self.used = True
            self._reply(200, picture(number))

    def _cut(self, number: int) -> None:
        """Half a picture whose length is declared to be just that."""
        body = picture(number, size=64)
        self._reply(200, body[: len(body) // 2])

    def _html(self, number: int) -> None:
        self._reply(200, b"<!DOCTYPE html><html><body>Access denied</body></html>", Content_Type="image/jpeg")

    def _svg(self, number: int) -> None:
        self._reply(200, b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')

    def _empty(self, number: int) -> None:
        self._reply(200)

    def _bomb(self, number: int) -> None:
        self._reply(200, bomb(), Content_Type="image/png")

    def _gzip(self, number: int) -> None:
        self._reply(200, gzip.compress(picture(number)), Content_Encoding="gzip")

    def _gzip_bomb(self, number: int) -> None:
        self._reply(200, gzip.compress(bytes(50_000_000)), Content_Encoding="gzip")

    def _brotli(self, number: int) -> None:
        self._reply(200, b"whatever", Content_Encoding="br")

    def _huge(self, number: int) -> None:
        self._reply(200, Content_Length=str(10**12))
        self.close_connection = True

    def _endless(self, number: int) -> None:
        self._reply(200, Transfer_Encoding="chunked")
        for _ in range(10_000):
            self.wfile.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")

    def _reset(self, number: int) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def _moved(self, number: int) -> None:
        self._reply(302, b"over there", Location=f"/good/{number}.jpg")

    def _loop(self, number: int) -> None:
        self._reply(302, Location=f"/loop/{number + 1}")

    def _to_private(self, number: int) -> None:
        port = self.server.server_address[1]
        self._reply(302, Location=f"http://127.0.0.2:{port}/good/{number}.jpg")

    def _to_file(self, number: int) -> None:
        self._reply(302, Location="file:///etc/passwd")

    def _to_credentials(self, number: int) -> None:
        self._reply(302, Location=f"http://me:secret@127.0.0.1/good/{number}.jpg")
