"""Random numbers by counter: value = hash(seed, stream's name, index), so that any index can be drawn alone.

The hash is the finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators").
"""

import hashlib

import numpy as np
from numpy.typing import NDArray

GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio, odd
_TO_UNIT = np.float64(2.0**-53)

Bits = NDArray[np.uint64]
Floats = NDArray[np.float64]


def stream_key(seed: int, name: str) -> np.uint64:
    """Give the key of a named stream of a seed."""
    digest = hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "little"))


def mix(values: Bits) -> Bits:
    """Scramble 64-bit values one to one."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def bits(key: np.uint64, index: NDArray[np.integer]) -> Bits:
    """Give 64 random bits for every index."""
    return mix(index.astype(np.uint64) * GOLDEN + key)


def to_unit(values: Bits) -> Floats:
    """Turn 64 bits into a number in [0, 1)."""
    unit: Floats = (values >> np.uint64(11)).astype(np.float64) * _TO_UNIT
    return unit


def uniforms(key: np.uint64, index: NDArray[np.integer]) -> Floats:
    """Give a number in [0, 1) for every index."""
    return to_unit(bits(key, index))


def even_uniforms(key: np.uint64, index: NDArray[np.integer]) -> Floats:
    """Give numbers in [0, 1) that fill the interval evenly as the index grows (a golden-ratio sequence).

    Shares drawn with them are met within a few rows, where independent draws would miss by their square root.
    """
    return to_unit(index.astype(np.uint64) * GOLDEN + key)


def normals(key: np.uint64, index: NDArray[np.integer]) -> Floats:
    """Give a standard normal number for every index (Box and Muller's transform)."""
    twice = index.astype(np.uint64) * np.uint64(2)
    radius = np.sqrt(-2.0 * np.log1p(-uniforms(key, twice)))
    normal: Floats = radius * np.cos(2.0 * np.pi * uniforms(key, twice + np.uint64(1)))
    return normal


def normals_at(u: Floats) -> Floats:
    """Give the standard normal number below which a part `u` in [0, 1) lies, to within 0.01.

    Winitzki's inverse of his "handy approximation for the error function and its inverse".
    """
    x = np.clip(2.0 * u - 1.0, -1 + 1e-9, 1 - 1e-9)
    a = 0.147
    log = np.log1p(-np.square(x))
    middle = 2.0 / (np.pi * a) + log / 2.0
    normal: Floats = np.sqrt(2.0) * np.copysign(np.sqrt(np.sqrt(np.square(middle) - log / a) - middle), x)
    return normal


def row_uniforms(seed: int, name: str, index: int, count: int) -> list[float]:
    """Give `count` numbers in [0, 1) that belong to one row."""
    key = bits(stream_key(seed, name), np.asarray([index]))[0]
    values: list[float] = uniforms(key, np.arange(count)).tolist()
    return values
