"""Which split a product is in: a hash of its style, the same for every source."""

import hashlib
import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from finetune.config import Split, SplitConfig

_PURPOSE = b"finetune splits"  # keeps these hashes apart from any other use of the same seed


def normal_group(text: str) -> str:
    """Write a style so that spellings of one style are equal: letter case, width and spaces do not count."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def split_of(group: str, rule: SplitConfig) -> Split:
    """Give the split of a style, ``train``, ``validation`` or ``test``.

    It depends on the style and the rule alone, so a style is in the same split of every source.
    """
    digest = hashlib.blake2b(
        normal_group(group).encode("utf-8", "surrogatepass"),
        digest_size=8,
        key=rule.seed.to_bytes(8, "little"),
        person=_PURPOSE,
    ).digest()
    place = int.from_bytes(digest, "little") / 2**64
    # Test first: its products stay the same when another share is validated on.
    if place < rule.test:
        return "test"
    return "validation" if place < rule.test + rule.validation else "train"


def rows_of_split(groups: Sequence[str], split: Split, rule: SplitConfig) -> NDArray[np.int64]:
    """Give the rows of a split, in order."""
    if split == "all":
        return np.arange(len(groups))
    known: dict[str, bool] = {}
    for group in groups:
        if group not in known:
            known[group] = split_of(group, rule) == split
    return np.flatnonzero(np.fromiter((known[group] for group in groups), bool, len(groups)))
