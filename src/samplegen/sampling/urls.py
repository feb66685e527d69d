"""URLs of many rows at once, and the random identifiers in them."""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from samplegen.domain.pricelist import url_code
from samplegen.sampling.streams import bits, stream_key

if TYPE_CHECKING:
    import pyarrow as pa

_HEX_PAIRS = np.frombuffer("".join(f"{byte:02X}" for byte in range(256)).encode(), np.uint16)
_HYPHENS = (8, 13, 18, 23)
_DIGITS = np.delete(np.arange(36), _HYPHENS)


def guids(seed: int, rows: NDArray[np.int64]) -> "pa.Array":
    """Give an upper-case GUID (a random UUID of RFC 9562, version 4) for every row."""
    import pyarrow as pa

    halves = [bits(stream_key(seed, f"guid {half}"), rows) for half in range(2)]
    raw = np.ascontiguousarray(np.stack(halves, axis=1)).view(np.uint8).reshape(-1, 16)
    raw[:, 6] = raw[:, 6] & 0x0F | 0x40
    raw[:, 8] = raw[:, 8] & 0x3F | 0x80
    text = np.full((len(rows), 36), ord("-"), np.uint8)
    text[:, _DIGITS] = _HEX_PAIRS[raw].view(np.uint8).reshape(-1, 32)
    offsets = np.arange(len(rows) + 1, dtype=np.int32) * 36
    return pa.StringArray.from_buffers(len(rows), pa.py_buffer(offsets), pa.py_buffer(text))


def url_codes(codes: "pa.Array") -> "pa.Array":
    """Give codes as URLs hold them, percent-encoded where they are text."""
    import pyarrow as pa

    if pa.types.is_integer(codes.type):
        return codes.cast(pa.string())
    return pa.array(list(map(url_code, codes.to_pylist())), pa.string())


def join_urls(form: str, parts: Mapping[str, Callable[[], "pa.Array"]]) -> "pa.Array":
    """Fill a URL form such as ``https://shop.example/{slug}-p{code}`` with a column for every placeholder."""
    import pyarrow as pa
    import pyarrow.compute as pc

    pieces = re.split(r"\{(\w+)\}", form)
    filled = [parts[piece]() if place % 2 else pa.scalar(piece) for place, piece in enumerate(pieces)]
    return pc.binary_join_element_wise(*filled, "")
