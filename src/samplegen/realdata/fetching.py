"""One picture over HTTP: redirects re-checked, failures tried again, bodies bounded while they come."""

import asyncio
import http
import random
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urljoin

import httpx

from samplegen import __version__
from samplegen.errors import CollectError
from samplegen.realdata.addresses import Private, check_url, host_of
from samplegen.realdata.connections import CheckedTransport
from samplegen.realdata.failures import DamagedPicture, PictureFailure, TryAgain
from samplegen.realdata.limits import Limits
from samplegen.realdata.pacing import Budget, HostGate, backoff, retry_after
from samplegen.realdata.versions import Validators

USER_AGENT = f"samplegen/{__version__}"
_REDIRECTS = (301, 302, 303, 307, 308)
_PASSING = (408, 425, 429)
"""Refusals that are tried again, besides all of 500 and above."""
_REFUSALS = (429, 503)
_SHORT_BYTES = 16_384
_ZLIB_OR_GZIP = 32 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class Fetched:
    """The body of an answer; None where the server says that the known version is still right."""

    content: bytes | None
    validators: Validators


def check_user_agent(text: str) -> None:
    """Refuse what cannot stand in a request.

    Raises:
        CollectError: If it is empty, or not of printable ASCII.
    """
    if not (text.strip() and text.isascii() and text.isprintable()):
        raise CollectError(f"user agent is {text!r}; give letters, digits and signs of ASCII on one line.")


Keep = Callable[[Fetched], Awaitable[None]]


class Fetcher:
    """An HTTP client for pictures; an async context manager."""

    def __init__(
        self,
        limits: Limits,
        *,
        allow_private: Private = False,
        user_agent: str = USER_AGENT,
        accept: str = "image/*,*/*;q=0.5",
        rng: random.Random | None = None,
    ) -> None:
        self._limits = limits
        # An encoded body would have to be unpacked before its size is known.
        self._headers = {"User-Agent": user_agent, "Accept": accept, "Accept-Encoding": "identity"}
        self._transport = CheckedTransport(allow_private=allow_private, connections=limits.concurrency)
        self._timeouts = {
            "connect": limits.connect_s,
            "read": limits.read_s,
            "write": limits.read_s,
            "pool": None,
        }
        self._everywhere = asyncio.Semaphore(limits.concurrency)
        self._gates: dict[str, HostGate] = {}
        self._rng = rng or random.Random()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.aclose()

    async def fetch(
        self, address: str, known: Validators | None = None, *, keep: Keep | None = None
    ) -> Fetched:
        """Return what stands at an address.

        Args:
            address: http(s).
            known: The version that is here already, if any.
            keep: Takes what came; raises `DamagedPicture` to have it sent again while there are tries left.

        Raises:
            PictureFailure: If there is nothing to be had, after all tries.
        """
        url = check_url(address)
        budget = Budget(self._limits.total_s)
        for attempt in range(self._limits.retries + 1):
            try:
                fetched = await self._try(url, known, budget)
                if keep:
                    await _offer(fetched, keep)
                return fetched
            except TryAgain as error:
                if attempt == self._limits.retries:
                    tries = "1 try" if attempt == 0 else f"{attempt + 1} tries"
                    raise PictureFailure(f"{error.reason} ({tries})", lasting=False) from error
                wait = backoff(attempt, self._limits, self._rng, asked_s=error.wait_s)
                if error.refused_by:
                    error.refused_by.refused(wait)
            await asyncio.sleep(wait)
        raise AssertionError("the last try returns or raises")

    async def _try(self, url: str, known: Validators | None, budget: Budget) -> Fetched:
        for _ in range(self._limits.redirects + 1):
            gate = self._gate(url)
            async with self._answer(url, gate, known, budget) as response:
                if response.status_code not in _REDIRECTS:
                    return await self._received(response, gate, known)
                place = response.headers.get("Location")
                if not place:
                    raise PictureFailure(f"{response.status_code} without a place to go to")
            url = check_url(_joined(url, place))
        raise PictureFailure(f"redirected more than {self._limits.redirects} times")

    @asynccontextmanager
    async def _answer(
        self, url: str, gate: HostGate, known: Validators | None, budget: Budget
    ) -> AsyncIterator[httpx.Response]:
        """Send a request when its host may be asked; the slot is held until the body is read or dropped."""
        headers = {**self._headers, **(known.headers() if known else {})}
        try:
            request = httpx.Request("GET", url, headers=headers, extensions={"timeout": self._timeouts})
        except (httpx.InvalidURL, ValueError) as error:
            raise PictureFailure(f"the address cannot be asked: {error}") from None
        async with gate.slot(), self._everywhere:
            try:
                async with budget.running():
                    response = await self._transport.handle_async_request(request)
                    try:
                        yield response
                    finally:
                        await response.aclose()
            except TimeoutError:
                reason = f"not complete after {self._limits.total_s:g} s"
                raise PictureFailure(reason, lasting=False) from None
            except httpx.TransportError as error:
                raise self._transport_failure(error) from error

    async def _received(self, response: httpx.Response, gate: HostGate, known: Validators | None) -> Fetched:
        status = response.status_code
        if status not in (200, 203):
            await _drain(response)
        if status in _PASSING or status >= 500:
            wait = retry_after(response.headers.get("Retry-After"), now=time.time())
            raise TryAgain(_status(status), wait_s=wait, refused_by=gate if status in _REFUSALS else None)
        gate.accepted()
        validators = Validators(
            _version(response.headers.get("ETag")), _version(response.headers.get("Last-Modified"))
        )
        if status == 304 and known is not None and known.headers():
            return Fetched(None, validators if validators.headers() else known)
        if status not in (200, 203):
            raise PictureFailure(_status(status))
        return Fetched(await self._body(response), validators)

    async def _body(self, response: httpx.Response) -> bytes:
        limit = self._limits.picture_bytes
        declared = response.headers.get("Content-Length", "")
        if declared.isdigit() and int(declared[:18]) > limit:
            reason = f"has {int(declared[:18]):,} bytes; allowed are {limit:,}"
            raise PictureFailure(reason, lasting=False)
        unpack = _unpacker(response.headers.get("Content-Encoding", ""))
        parts: list[bytes] = []
        size = 0
        async for part in response.aiter_raw():
            try:
                plain = unpack.decompress(part, limit - size + 1) if unpack else part
            except zlib.error as error:
                raise PictureFailure(f"the body cannot be unpacked: {error}") from None
            size += len(plain)
            if size > limit:
                reason = f"has more than {limit:,} bytes, which is the limit"
                raise PictureFailure(reason, lasting=False)
            parts.append(plain)
        if unpack and not unpack.eof:
            raise TryAgain("the answer broke off")
        return b"".join(parts)

    def _gate(self, url: str) -> HostGate:
        host = host_of(url)
        if host not in self._gates:
            self._gates[host] = HostGate(self._limits)
        return self._gates[host]

    def _transport_failure(self, error: httpx.TransportError) -> Exception:
        text = str(error)
        match error:
            case httpx.ConnectTimeout():
                return TryAgain(f"no connection within {self._limits.connect_s:g} s")
            case httpx.TimeoutException():
                return TryAgain(f"no answer within {self._limits.read_s:g} s")
            case httpx.ConnectError():
                if "CERTIFICATE" in text:
                    return PictureFailure(f"the host's certificate is not valid: {text}")
                return TryAgain(f"no connection: {text}" if text else "no connection")
            case httpx.RemoteProtocolError() | httpx.ReadError():
                return TryAgain(f"the answer broke off: {text}" if text else "the connection broke")
            case _:
                return PictureFailure(f"cannot be asked: {text}")


async def _offer(fetched: Fetched, keep: Keep) -> None:
    try:
        await keep(fetched)
    except DamagedPicture as error:
        raise TryAgain(error.reason) from error


def _joined(url: str, place: str) -> str:
    try:
        return urljoin(url, place)
    except ValueError as error:
        raise PictureFailure(f"redirected to what is no address: {error}") from None


def _version(header: str | None) -> str | None:
    """Return a header that can be sent back, or None."""
    plain = header is not None and header.isascii() and header.isprintable() and len(header) <= _SHORT_BYTES
    return header if plain else None


async def _drain(response: httpx.Response) -> None:
    """Read the short body of an answer without a picture, so that the connection can be used again."""
    declared = response.headers.get("Content-Length", "")
    if declared.isdigit() and int(declared[:18]) <= _SHORT_BYTES:
        async for _ in response.aiter_raw():
            pass


def _unpacker(encoding: str) -> "zlib._Decompress | None":
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return None
    if name in ("gzip", "x-gzip", "deflate"):
        return zlib.decompressobj(_ZLIB_OR_GZIP)
    raise PictureFailure(f"the body is encoded as {name[:40]!r}, though it was asked for as it is")


def _status(status: int) -> str:
    try:
        return f"{status} {http.HTTPStatus(status).phrase}"
    except ValueError:
        return f"status {status}"
