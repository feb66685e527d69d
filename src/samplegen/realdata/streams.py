"""Sockets for httpcore on asyncio's own streams: a third of the work that its general backend does for each picture."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpcore

_BUFFER_BYTES = 1 << 18
"""What is read ahead before the sender has to wait."""


class Stream(httpcore.AsyncNetworkStream):
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return what has arrived, or wait for it; empty at the end."""
        with _errors(httpcore.ReadTimeout, httpcore.ReadError):
            async with asyncio.timeout(timeout):
                return await self._reader.read(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of a buffer."""
        if buffer:
            with _errors(httpcore.WriteTimeout, httpcore.WriteError):
                self._writer.write(buffer)
                async with asyncio.timeout(timeout):
                    await self._writer.drain()

    async def aclose(self) -> None:
        """Drop the connection; nothing waits to be sent when a client of HTTP does."""
        with suppress(OSError):
            self._writer.transport.abort()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Go on encrypted, after the server has proved its name."""
        try:
            with _errors(httpcore.ConnectTimeout, httpcore.ConnectError):
                async with asyncio.timeout(timeout):
                    await self._writer.start_tls(ssl_context, server_hostname=server_hostname)
        except BaseException:
            await self.aclose()
            raise
        return self

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401  # as httpcore has it
        """Tell whether an idle connection was closed by the other side, and what httpcore asks of TLS."""
        if info == "is_readable":
            broken = self._reader.exception() is not None or self._writer.is_closing()
            return broken or self._reader.at_eof()
        return self._writer.get_extra_info(info)


async def connect(address: str, port: int, timeout: float | None) -> Stream:
    """Connect to an IP address.

    Raises:
        httpcore.ConnectError: If it refuses, or `httpcore.ConnectTimeout` if it does not answer in time.
    """
    with _errors(httpcore.ConnectTimeout, httpcore.ConnectError):
        async with asyncio.timeout(timeout):
            return Stream(*await asyncio.open_connection(address, port, limit=_BUFFER_BYTES))


@contextmanager
def _errors(late: type[Exception], broken: type[Exception]) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise late(str(error)) from error
    except OSError as error:  # resets, refusals, and errors of TLS
        raise broken(error.strerror or str(error)) from error
