"""Opens a price list wherever it is: on the disk, on the Hub, or at an http(s) address."""

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from samplegen.errors import CollectError
from samplegen.export.files import clear_disk_errors
from samplegen.realdata.addresses import Private, check_url
from samplegen.realdata.failures import PictureFailure
from samplegen.realdata.fetching import Fetcher
from samplegen.realdata.limits import Limits
from samplegen.realdata.sources import OWN_FILES, PriceList, read_file, read_source

LIST_BYTES = 2_000_000_000
"""Largest list that is downloaded."""
LIST_S = 3600.0
"""Longest transfer of a list, in seconds, unless a picture may take longer."""


def open_source(
    source: str,
    *,
    image_column: str | None,
    config: str | None,
    limits: Limits,
    allow_private: Private,
    user_agent: str,
) -> PriceList:
    """Read a price list; one at an address is fetched by the same rules as pictures.

    Raises:
        CollectError: If there is no such list or it cannot be read.
    """
    if not source.lower().startswith(("http://", "https://")):
        return read_source(source, image_column=image_column, config=config)
    try:
        parts = urlsplit(check_url(source))
        fetcher = Fetcher(
            replace(limits, picture_bytes=LIST_BYTES, total_s=max(LIST_S, limits.total_s)),
            allow_private=allow_private,
            user_agent=user_agent,
            accept="*/*",
        )
        content = asyncio.run(_fetch(fetcher, source))
    except PictureFailure as failure:
        raise CollectError(f"{source}: {failure.reason}.") from failure
    # The ending tells the type; the rest of a name from outside is not used.
    file = PurePosixPath(parts.path).name
    with tempfile.TemporaryDirectory(prefix="samplegen-") as folder:
        path = Path(folder) / (file if file in OWN_FILES else f"list{PurePosixPath(file).suffix}")
        with clear_disk_errors(Path(folder)):
            path.write_bytes(content)
        return read_file(path, name=f"{parts.scheme}://{parts.netloc}{parts.path}", image_column=image_column)


async def _fetch(fetcher: Fetcher, address: str) -> bytes:
    async with fetcher:
        return (await fetcher.fetch(address)).content or b""
