"""Seamless noise fields, the raw material of fabrics, folds and prints."""

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Field = NDArray[np.float32]
"""``(height, width)``, mean 0 and standard deviation 1 unless said otherwise; tiles without a seam."""


def smooth_noise(size: int, sigma: tuple[float, float], rng: np.random.Generator) -> Field:
    """Return Gaussian noise of ``(x, y)`` correlation length `sigma` in pixels that tiles without a seam."""
    noise = rng.standard_normal((size, size), dtype=np.float32)
    return standardized(wrapped_blur(noise, sigma))


def wrapped_blur(values: NDArray[np.float32], sigma: tuple[float, float]) -> Field:
    """Blur as if the field went on at its opposite edge."""
    pad = min(int(3 * max(sigma)) + 1, values.shape[0] - 1)
    wide = np.pad(values, pad, mode="wrap")
    blurred = cv2.GaussianBlur(wide, (0, 0), sigmaX=max(sigma[0], 1e-3), sigmaY=max(sigma[1], 1e-3))
    return np.ascontiguousarray(blurred[pad:-pad, pad:-pad], np.float32)


def standardized(values: NDArray[np.float32]) -> Field:
    """Return the field with mean 0 and standard deviation 1."""
    return np.asarray((values - values.mean()) / max(float(values.std()), 1e-6), np.float32)


def field(values: ArrayLike) -> Field:
    """Return values as a field of single precision."""
    return np.asarray(values, np.float32)


def grid(size: int) -> tuple[Field, Field]:
    """Return x and y of every pixel as fractions of the side, from 0 up to (not including) 1."""
    axis = np.arange(size, dtype=np.float32) / size
    x, y = np.meshgrid(axis, axis)
    return field(x), field(y)
