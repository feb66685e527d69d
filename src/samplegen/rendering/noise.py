"""Seamless noise fields, the raw material of fabrics, folds and prints."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Field = NDArray[np.float32]
"""``(height, width)``, mean 0 and standard deviation 1 unless said otherwise; tiles without a seam."""


def smooth_noise(size: int, sigma: tuple[float, float], rng: np.random.Generator) -> Field:
    """Return Gaussian noise of ``(x, y)`` correlation length `sigma` in pixels that tiles without a seam."""
    noise = rng.standard_normal((size, size), dtype=np.float32)
    return standardized(wrapped_blur(noise, sigma))


def wrapped_blur(values: NDArray[np.float32], sigma: tuple[float, float]) -> Field:
    """Blur with a Gaussian as if the field went on at its opposite edge.

    Done in the frequency domain, where a Gaussian stays one and the field is periodic by nature.
    """
    height, width = values.shape
    x, y = np.fft.rfftfreq(width) * sigma[0], np.fft.fftfreq(height) * sigma[1]
    kept = np.exp(-2 * np.pi**2 * x**2)[None, :] * np.exp(-2 * np.pi**2 * y**2)[:, None]
    return np.asarray(np.fft.irfft2(np.fft.rfft2(values) * kept, s=values.shape), np.float32)


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
