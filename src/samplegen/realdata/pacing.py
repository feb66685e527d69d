"""Who has to wait, and how long: requests to a host, tries after a failure, and the time of one picture."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC
from email.utils import parsedate_to_datetime

from samplegen.realdata.limits import Limits

REFUSALS_BEFORE_PAUSE = 3
"""So many refusals (429, 503) in a row, and the whole host is left alone for as long as it asked."""


class HostGate:
    """Lets requests to one host through: few at a time, at a rate, and none while it asked to be left alone."""

    def __init__(self, limits: Limits) -> None:
        self._slots = asyncio.Semaphore(limits.per_host)
        self._interval = 1 / limits.rate if limits.rate else 0.0
        self._next = 0.0
        self._refusals = 0

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold one of the host's slots."""
        async with self._slots:
            while (wait := self._next - _now()) > 0:
                await asyncio.sleep(wait)
            if self._interval:
                self._next = _now() + self._interval
            yield

    def accepted(self) -> None:
        """Note that the host answered a request."""
        self._refusals = 0

    def refused(self, wait_s: float) -> None:
        """Note that the host wants fewer requests; after several in a row it gets none for a while."""
        # One refusal may concern one picture; a row of them means this client.
        self._refusals += 1
        if self._refusals >= REFUSALS_BEFORE_PAUSE:
            self._next = max(self._next, _now() + wait_s)


class Budget:
    """The seconds that one picture may take in transfer."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Use the budget up while inside.

        Raises:
            TimeoutError: When nothing is left.
        """
        start = _now()
        try:
            async with asyncio.timeout(max(self._left, 0)):
                yield
        finally:
            self._left -= _now() - start


def _now() -> float:
    # The clock that timers go by, so that a wait and what is left of it cannot disagree.
    return asyncio.get_running_loop().time()


def backoff(attempt: int, limits: Limits, rng: random.Random, *, asked_s: float | None = None) -> float:
    """Return how long to wait after a failed try, in seconds: exponential, with full jitter.

    Args:
        attempt: Number of the failed try, from 0.
        limits: Where the wait begins and ends.
        rng: Where the jitter comes from, so that many clients do not come back at once.
        asked_s: What the server asked for (`retry_after`); the wait is not shorter, within the longest wait.
    """
    jitter = rng.uniform(0, min(limits.longest_wait_s, limits.backoff_s * 2**attempt))
    return min(max(asked_s or 0.0, 0.0) + jitter, limits.longest_wait_s)


def retry_after(header: str | None, *, now: float) -> float | None:
    """Read a Retry-After header: seconds, or an HTTP date after ``now`` (seconds since 1970); None if neither."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    # A date without a zone is GMT: HTTP has no other.
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, date.timestamp() - now)
