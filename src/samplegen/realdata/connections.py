"""Connections to checked addresses: a name is resolved once, and what was checked is what is connected to.

httpx resolves names while it connects, so a check before the request could be told another address than the
connection. Here the check stands between the two, in what httpcore's pool connects with, and nothing else can connect:
no proxy of the environment, no cookie, no `.netrc`, because no `httpx.AsyncClient` is involved.
"""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import httpcore
import httpx

from samplegen.realdata.addresses import IPAddress, Private, is_public, may_be_private
from samplegen.realdata.failures import PictureFailure

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
            raise PictureFailure(f"host {host[:_SHOWN]!r} is no host name") from None
        return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


def _lasts(error: BaseException | None) -> bool:
    return isinstance(error, PictureFailure) and error.lasting


def _parse(text: str) -> IPAddress:
    return ipaddress.ip_address(text)


_SHOWN = 200
"""Characters of a host's name that a message repeats."""
_KEPT_S = 15.0
"""How long a connection is kept that nothing is under way on."""
_connected: ContextVar[bool] = ContextVar("connected", default=False)
"""Whether the request of this task got a new connection; the pool tells it in no other way."""


class _CheckedBackend(httpcore.AnyIOBackend):
    """Connects to the checked addresses of a host, one after the other, and to nothing else."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        _connected.set(True)
        addresses = await self._resolver.addresses(host)
        for number, address in enumerate(addresses):
            try:
                stream = await super().connect_tcp(address, port, timeout, local_address, socket_options)
                break
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if number == len(addresses) - 1:
                    raise
        self._resolver.prefer(host, address)
        return stream


class CheckedTransport(httpx.AsyncBaseTransport):
    """HTTP/1.1 over checked connections, which are kept open between pictures."""

    def __init__(self, *, allow_private: Private, connections: int) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            max_connections=connections,
            keepalive_expiry=_KEPT_S,
            network_backend=_CheckedBackend(Resolver(allow_private=allow_private)),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return the answer with its body unread."""
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        with _httpx_errors():
            response = await self._send(request, url)
        return httpx.Response(
            response.status, headers=response.headers, stream=_Body(response), request=request
        )

    async def _send(self, request: httpx.Request, url: httpcore.URL) -> httpcore.Response:
        """Send a request; on a kept connection that the server gave up meanwhile, again on another."""
        plain = httpcore.Request(
            method=request.method, url=url, headers=request.headers.raw, extensions=request.extensions
        )
        _connected.set(False)
        while True:
            try:
                return await self._pool.handle_async_request(plain)
            except (httpcore.ReadError, httpcore.RemoteProtocolError):
                if _connected.get():
                    raise

    async def aclose(self) -> None:
        """Close the connections."""
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _httpx_errors():
            async for part in self._response.aiter_stream():
                yield part

    async def aclose(self) -> None:
        with _httpx_errors():
            await self._response.aclose()


@contextmanager
def _httpx_errors() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        for ours, theirs in _ERRORS:
            if isinstance(error, ours):
                raise theirs(str(error)) from error
        raise
