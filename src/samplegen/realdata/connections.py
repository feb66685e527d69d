"""Connections to checked addresses: a name is resolved once, and what was checked is what is connected to.

httpx resolves names while it connects, so a check before the request could be told another address than the
connection. Here the check stands between the two, and nothing else can connect: no proxy of the environment, no
cookie, no `.netrc`, because no `httpx.AsyncClient` is involved.
"""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial

import httpcore
import httpx

from samplegen.realdata.addresses import IPAddress, Private, is_public, may_be_private
from samplegen.realdata.failures import PictureFailure
from samplegen.realdata.streams import connect

_ERRORS: tuple[tuple[type[Exception], type[httpx.TransportError]], ...] = (
    (httpcore.ConnectTimeout, httpx.ConnectTimeout),
    (httpcore.PoolTimeout, httpx.PoolTimeout),
    (httpcore.TimeoutException, httpx.ReadTimeout),
    (httpcore.ConnectError, httpx.ConnectError),
    (httpcore.NetworkError, httpx.ReadError),
    (httpcore.RemoteProtocolError, httpx.RemoteProtocolError),
    (httpcore.ProtocolError, httpx.LocalProtocolError),
    (httpcore.UnsupportedProtocol, httpx.UnsupportedProtocol),
)


class Resolver:
    """Host names to IP addresses that may be connected to; each name is looked up once."""

    def __init__(self, *, allow_private: Private) -> None:
        self._allow_private = allow_private
        self._found: dict[str, asyncio.Task[list[str]]] = {}

    async def addresses(self, host: str) -> list[str]:
        """Return the addresses of a host, the one that answered last first.

        Raises:
            PictureFailure: If the host is unknown or has private addresses only.
        """
        task = self._found.get(host)
        if task is None or (task.done() and task.exception() and not _lasts(task.exception())):
            task = self._found[host] = asyncio.create_task(self._look_up(host))
        # A caller that gives up must not take the answer from the others.
        found = await asyncio.shield(task)
        allowed = [
            text for text in found if may_be_private(host, self._allow_private) or is_public(_parse(text))
        ]
        if not allowed:
            # Not lasting: the same run may be resumed with another option.
            raise PictureFailure(
                f"host {host!r} is {', '.join(found)}, a private address; --allow-private would ask it",
                lasting=False,
            )
        return allowed

    def prefer(self, host: str, address: str) -> None:
        """Try an address first from now on, because it answered."""
        found = self._found[host].result()
        found.sort(key=lambda other: other != address)

    async def _look_up(self, host: str) -> list[str]:
        loop = asyncio.get_running_loop()
        try:
            answers = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            lasting = error.errno == socket.EAI_NONAME
            raise PictureFailure(f"host {host!r} is not found: {error.strerror}", lasting=lasting) from None
        except UnicodeError:
            raise PictureFailure(f"{host!r} is no host name") from None
        return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


def _lasts(error: BaseException | None) -> bool:
    return isinstance(error, PictureFailure) and error.lasting


def _parse(text: str) -> IPAddress:
    return ipaddress.ip_address(text)


_Origin = tuple[bytes, bytes, int]
_KEPT_S = 15.0
"""How long a connection is kept that nothing is under way on."""


def _origin_of(url: httpcore.URL) -> _Origin:
    return url.scheme, url.host, url.port or (443 if url.scheme == b"https" else 80)


class CheckedTransport(httpx.AsyncBaseTransport):
    """HTTP/1.1 over checked connections, which are kept open between pictures.

    The connections are httpcore's, the pool is not: httpcore's looks at every connection for every request.
    """

    def __init__(self, *, allow_private: Private, connections: int) -> None:
        self._resolver = Resolver(allow_private=allow_private)
        self._most_idle = connections
        self._idle: dict[_Origin, list[httpcore.AsyncHTTP11Connection]] = {}
        self._idle_count = 0
        self._tls = httpx.create_ssl_context()
        self._tls.set_alpn_protocols(["http/1.1"])

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return the answer with its body unread."""
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        plain = httpcore.Request(
            method=request.method, url=url, headers=request.headers.raw, extensions=request.extensions
        )
        with _httpx_errors():
            origin = _origin_of(url)
            connection = await self._take(origin)
            if connection:
                try:
                    response = await connection.handle_async_request(plain)
                except (httpcore.ReadError, httpcore.RemoteProtocolError):
                    connection = None  # the server closed it while nothing was under way
            if connection is None:
                connection = await self._connect(origin, request.extensions["timeout"]["connect"])
                response = await connection.handle_async_request(plain)
        body = _Body(response, partial(self._give_back, origin, connection))
        return httpx.Response(response.status, headers=response.headers, stream=body, request=request)

    async def aclose(self) -> None:
        """Close the connections that nothing is under way on."""
        for connections in self._idle.values():
            for connection in connections:
                await connection.aclose()
        self._idle.clear()
        self._idle_count = 0

    async def _take(self, origin: _Origin) -> httpcore.AsyncHTTP11Connection | None:
        """Return a connection that is open and free, the one used last first."""
        while connection := self._pop(origin, place=-1):
            if not connection.has_expired():
                return connection
            await connection.aclose()
        return None

    def _pop(self, origin: _Origin, *, place: int) -> httpcore.AsyncHTTP11Connection | None:
        connections = self._idle.get(origin)
        if not connections:
            return None
        connection = connections.pop(place)
        self._idle_count -= 1
        if not connections:
            del self._idle[origin]
        return connection

    async def _give_back(self, origin: _Origin, connection: httpcore.AsyncHTTP11Connection) -> None:
        """Keep a connection whose answer was read to its end; others are closed already."""
        if not connection.is_idle():
            return
        # At the end of the order, because this host was asked just now.
        self._idle[origin] = [*self._idle.pop(origin, []), connection]
        self._idle_count += 1
        if self._idle_count > self._most_idle:
            surplus = self._pop(next(iter(self._idle)), place=0)
            if surplus:
                await surplus.aclose()

    async def _connect(self, origin: _Origin, timeout: float | None) -> httpcore.AsyncHTTP11Connection:
        """Connect to the host's addresses, one after the other, and to nothing else."""
        scheme, host, port = origin
        name = host.decode("ascii")
        addresses = await self._resolver.addresses(name)
        for number, address in enumerate(addresses):
            try:
                stream = await connect(address, port, timeout)
                break
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if number == len(addresses) - 1:
                    raise
        self._resolver.prefer(name, address)
        if scheme == b"https":
            await stream.start_tls(self._tls, server_hostname=name, timeout=timeout)
        place = httpcore.Origin(*origin)
        return httpcore.AsyncHTTP11Connection(place, stream, keepalive_expiry=_KEPT_S)


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response, on_close: Callable[[], Awaitable[None]]) -> None:
        self._response = response
        self._on_close = on_close

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _httpx_errors():
            async for part in self._response.aiter_stream():
                yield part

    async def aclose(self) -> None:
        with _httpx_errors():
            await self._response.aclose()
            await self._on_close()


@contextmanager
def _httpx_errors() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        for ours, theirs in _ERRORS:
            if isinstance(error, ours):
                raise theirs(str(error)) from error
        raise
