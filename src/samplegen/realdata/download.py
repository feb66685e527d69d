"""Many pictures at once: each address is asked once, and its outcome noted in the store."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from samplegen.errors import SamplegenError
from samplegen.realdata.addresses import Private, check_url, host_of
from samplegen.realdata.failures import PictureFailure
from samplegen.realdata.fetching import USER_AGENT, Fetched, Fetcher
from samplegen.realdata.limits import Limits
from samplegen.realdata.pictures import as_jpeg
from samplegen.realdata.store import PictureStore
from samplegen.realdata.versions import Validators

DECODERS = 4
"""Threads that decode; Pillow lets go of the interpreter meanwhile."""
WAITERS = 4
"""Pictures that a host's slots are shared by, so that one that waits to be tried again blocks none."""
Report = Callable[[str], None]
Given = TypeVar("Given")
Result = TypeVar("Result")


def download(
    addresses: Iterable[str],
    store: PictureStore,
    limits: Limits,
    *,
    allow_private: Private = False,
    user_agent: str = USER_AGENT,
    on_done: Report = lambda address: None,
) -> None:
    """Fetch the pictures that the store has not settled in its run.

    Args:
        addresses: What the price list says; each different one is asked once.
        store: Gets a note for every address.
        limits: How hard hosts may be asked.
        allow_private: Whether machines of private networks, and this one, may be asked; or which.
        user_agent: What the client calls itself.
        on_done: Called with each address when it is settled.
    """
    waiting: dict[str, list[str]] = defaultdict(list)
    for address in dict.fromkeys(addresses):
        if store.settled(address):
            on_done(address)
            continue
        try:
            waiting[host_of(check_url(address))].append(address)
        except PictureFailure as failure:
            store.fail(address, failure.reason, lasting=failure.lasting)
            on_done(address)
    if waiting:
        job = _Download(store, limits, on_done)
        asyncio.run(job.run(waiting, allow_private=allow_private, user_agent=user_agent))


class _Download:
    def __init__(self, store: PictureStore, limits: Limits, on_done: Report) -> None:
        self._store = store
        self._limits = limits
        self._on_done = on_done

    async def run(self, waiting: dict[str, list[str]], *, allow_private: Private, user_agent: str) -> None:
        fetcher = Fetcher(self._limits, allow_private=allow_private, user_agent=user_agent)
        with ThreadPoolExecutor(DECODERS, "decode") as self._decoders:
            try:
                async with fetcher, asyncio.TaskGroup() as group:
                    for addresses in waiting.values():
                        # Every host has workers of its own: a slow one keeps none from the others.
                        queue = iter(addresses)
                        for _ in range(min(self._limits.per_host * WAITERS, len(addresses))):
                            group.create_task(self._work(queue, fetcher))
            except BaseExceptionGroup as errors:
                raise errors.exceptions[0] from None  # such as a full disk, which ends all tasks alike

    async def _work(self, queue: Iterator[str], fetcher: Fetcher) -> None:
        for address in queue:
            try:
                await self._settle(address, fetcher)
            except PictureFailure as failure:
                self._store.fail(address, failure.reason, lasting=failure.lasting)
            except SamplegenError:
                raise
            except Exception as error:  # noqa: BLE001  # one strange answer among thousands must not end the others
                strange = PictureFailure(f"{type(error).__name__}: {error}", lasting=False)
                self._store.fail(address, strange.reason, lasting=False)
            self._on_done(address)

    async def _settle(self, address: str, fetcher: Fetcher) -> None:
        known = self._store.known(address)

        async def keep(fetched: Fetched) -> None:
            content = fetched.content or b""
            if known and fetched.content is None:
                # Checked again, because the limits may be others now.
                content = await self._in_thread(self._store.read, known)
            digest = await self._in_thread(self._write, content)
            self._store.keep(address, digest, fetched.validators)

        await fetcher.fetch(address, known.validators if known else None, keep=keep)

    def _write(self, content: bytes) -> str:
        return self._store.write(as_jpeg(content, pixels=self._limits.pixels))

    async def _in_thread(self, work: Callable[[Given], Result], given: Given) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._decoders, work, given)


def keep_pictures(
    pictures: Iterable[tuple[str, bytes | None]],
    store: PictureStore,
    limits: Limits,
    *,
    on_done: Report = lambda address: None,
) -> None:
    """Put the pictures that a list holds itself into the store, by the same rules as downloaded ones."""
    for name, content in pictures:
        try:
            if not content:
                raise PictureFailure("the row holds no picture")
            if len(content) > limits.picture_bytes:
                reason = f"has more than {limits.picture_bytes:,} bytes, which is the limit"
                raise PictureFailure(reason, lasting=False)
            store.keep(name, store.write(as_jpeg(content, pixels=limits.pixels)), Validators())
        except PictureFailure as failure:
            store.fail(name, failure.reason, lasting=failure.lasting)
        on_done(name)
