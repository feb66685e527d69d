"""The formats by name."""

import difflib
from types import MappingProxyType

from samplegen.errors import ExportError
from samplegen.export import csv_images, imagefolder, parquet, webdataset
from samplegen.export.shards import Format

FORMATS: MappingProxyType[str, Format] = MappingProxyType(
    {"parquet": parquet, "csv": csv_images, "imagefolder": imagefolder, "webdataset": webdataset}
)


def find_format(name: str) -> Format:
    """Return the format of a name.

    Raises:
        ExportError: If there is none; the message names the nearest.
    """
    if name in FORMATS:
        return FORMATS[name]
    near = difflib.get_close_matches(name.lower(), FORMATS, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ExportError(f"unknown format {name!r}; there are {', '.join(FORMATS)}.{hint}")
