"""Splits by title: rows that share a title, so all colourways of a style, are in one split."""

import hashlib
import math
import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from samplegen.errors import SamplingError
from samplegen.sampling.choices import Choice
from samplegen.sampling.streams import to_unit

SHARE_TOLERANCE = 1e-6
_PURPOSE = b"samplegen"  # keeps these hashes apart from any other use of the same seed


class Splits:
    """Split names with their shares of the titles.

    Raises:
        SamplingError: If a name or share is not allowed, or the shares do not sum to 1.
    """

    def __init__(self, seed: int, shares: Mapping[str, float]) -> None:
        check_shares(shares)
        self.names = tuple(shares)
        self._choice = Choice(shares)
        self._key = seed.to_bytes(8, "little")

    def of_titles(self, titles: list[str]) -> NDArray[np.int8]:
        """Give the place of each title's split in `names`."""
        hashes = (
            hashlib.blake2b(text.encode(), digest_size=8, key=self._key, person=_PURPOSE).digest()
            for text in titles
        )
        values = np.frombuffer(b"".join(hashes), "<u8").astype(np.uint64)
        return self._choice.places(to_unit(values)).astype(np.int8)


def check_shares(shares: Mapping[str, float]) -> None:
    """Hold the shares of splits to the rules.

    Raises:
        SamplingError: If a name or share is not allowed, or the shares do not sum to 1.
    """
    if not shares or len(shares) > 100:
        raise SamplingError(f"splits: found {len(shares)} splits; allowed are 1 to 100")
    for name, share in shares.items():
        if not re.fullmatch(r"[a-z]+", name):
            raise SamplingError(
                f"splits: found the name {name!r}; allowed are lower-case letters, such as 'train'"
            )
        if not (math.isfinite(share) and share > 0):
            raise SamplingError(f"splits: {name} has share {share}; allowed are shares above 0")
    total = sum(shares.values())
    if abs(total - 1) > SHARE_TOLERANCE:
        found = ", ".join(f"{name}={share:g}" for name, share in shares.items())
        raise SamplingError(f"splits: {found} sum to {total:g}; let the shares sum to 1")
