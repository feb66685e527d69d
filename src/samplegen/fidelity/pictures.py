"""Statistics of pictures that a person can name, and a kernel distance on them.

Pictures are shrunk to `SIDE` px first, so that only what is seen counts and not the size of the file. The kernel
distance has the form of KID (Binkowski et al., 2018): an unbiased squared MMD with a polynomial kernel of degree 3.
Its features are the statistics below, not a network's, so its values cannot be compared with published KIDs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from samplegen.fidelity.columns import ks_complement
from samplegen.fidelity.scores import NotMeasurable, Outcome, check_size, mean_of
from samplegen.fidelity.tables import Photo, open_photo

SIDE = 128
FAMILIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "picture_colour": ("lightness", "contrast", "saturation", "colourfulness", "warmth", "greenness"),
        "picture_edges": ("edge strength", "edge share", "upright edges"),
        "picture_spectrum": ("spectral slope", "high frequencies", "noise"),
        "picture_foreground": (
            "area",
            "proportions",
            "centre x",
            "centre y",
            "ground spread",
            "ground lightness",
        ),
    }
)
STATISTICS = tuple(name for names in FAMILIES.values() for name in names)
_PERMUTATIONS = 200
_EDGE = 0.12  # of full scale for each pixel: a step that the eye takes for an outline
_CLIP = 5.0  # standard deviations: one odd picture must not decide a cubic kernel

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Gallery:
    """Pictures with their statistics: ``(picture, statistic)``, in the order of `STATISTICS`."""

    photos: tuple[Photo, ...]
    features: Floats


def describe(photos: Sequence[Photo]) -> Gallery:
    """Compute the statistics of pictures."""
    features = [picture_statistics(shrink(open_photo(photo))) for photo in photos]
    return Gallery(tuple(photos), np.array(features, float).reshape(len(photos), len(STATISTICS)))


def shrink(image: Image.Image, side: int = SIDE) -> Image.Image:
    """Fit a picture into a square of ``side`` px; small ones are enlarged, so that all are alike."""
    scale = side / max(image.size)
    size = tuple(max(8, round(length * scale)) for length in image.size)
    return image.resize(
        (size[0], size[1]), Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.BICUBIC
    )


def picture_statistics(image: Image.Image) -> list[float]:
    """Compute the `STATISTICS` of one picture of about `SIDE` px."""
    pixels = np.asarray(image, np.float32) / 255
    grey = pixels @ np.array([0.299, 0.587, 0.114], np.float32)
    return [*_colour(pixels, grey), *_edges(grey), *_spectrum(grey), *_foreground(pixels)]


def _colour(pixels: NDArray[np.floating], grey: NDArray[np.floating]) -> list[float]:
    red, green, blue = np.moveaxis(pixels, -1, 0)
    most, least = pixels.max(axis=-1), pixels.min(axis=-1)
    saturation = (most - least) / np.maximum(most, 1e-3)
    # Colourfulness after Hasler and Suesstrunk (2003).
    across, along = red - green, (red + green) / 2 - blue
    colourfulness = np.hypot(across.std(), along.std()) + 0.3 * np.hypot(across.mean(), along.mean())
    warmth, greenness = (red - blue).mean(), (green - (red + blue) / 2).mean()
    return [float(x) for x in (grey.mean(), grey.std(), saturation.mean(), colourfulness, warmth, greenness)]


def _edges(grey: NDArray[np.floating]) -> list[float]:
    across = cv2.Sobel(grey, cv2.CV_32F, 1, 0, ksize=3) / 4
    down = cv2.Sobel(grey, cv2.CV_32F, 0, 1, ksize=3) / 4
    strength = np.hypot(across, down)
    upright = (np.abs(across) * strength).sum() / max(float((strength**2).sum()), 1e-9)
    return [float(strength.mean()), float((strength > _EDGE).mean()), float(upright)]


def _spectrum(grey: NDArray[np.floating]) -> list[float]:
    """Fall of power with frequency (log-log slope), share of power above a quarter of the sampling rate, noise."""
    side = min(grey.shape)
    top, left = ((length - side) // 2 for length in grey.shape)
    square = cv2.resize(
        grey[top : top + side, left : left + side], (SIDE, SIDE), interpolation=cv2.INTER_AREA
    )
    window = np.hanning(SIDE)
    power = np.abs(np.fft.fft2((square - square.mean()) * np.outer(window, window))) ** 2
    frequency = np.fft.fftfreq(SIDE)
    radius = np.hypot(frequency[:, None], frequency[None, :])
    rings = np.clip((radius * SIDE).astype(int), 0, SIDE // 2)
    inside = slice(2, SIDE // 2)
    mean = np.bincount(rings.ravel(), power.ravel())[inside] / np.bincount(rings.ravel())[inside]
    slope = np.polyfit(np.log(np.arange(2, SIDE // 2)), np.log(mean + 1e-9), 1)[0]
    high = power[radius > 0.25].sum() / max(float(power[radius > 0].sum()), 1e-9)
    # The median of the second differences hardly sees outlines, so what is left is grain.
    noise = np.median(np.abs(cv2.Laplacian(grey, cv2.CV_32F)))
    return [float(slope), float(np.log10(high + 1e-6)), float(noise)]


def _foreground(pixels: NDArray[np.floating]) -> list[float]:
    """Take for foreground what differs from the colour of the picture's rim, by Otsu's threshold."""
    rim = np.concatenate([pixels[:4].reshape(-1, 3), pixels[-4:].reshape(-1, 3)])
    rim = np.concatenate([rim, pixels[:, :4].reshape(-1, 3), pixels[:, -4:].reshape(-1, 3)])
    ground = np.median(rim, axis=0)
    far = np.linalg.norm(pixels - ground, axis=-1) / np.sqrt(3)
    levels = np.clip(far * 255, 0, 255).astype(np.uint8)
    threshold, _ = cv2.threshold(levels, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    mask = levels > max(threshold, 6)
    height, width = mask.shape
    rows, columns = np.nonzero(mask)
    ground_values = [float(rim.std(axis=0).mean()), float(ground.mean())]
    if not len(rows):
        return [0.0, 0.0, 0.5, 0.5, *ground_values]
    box = [np.quantile(places, [0.01, 0.99]) for places in (rows, columns)]
    tall, wide = (float(edge[1] - edge[0]) + 1 for edge in box)
    return [
        float(mask.mean()),
        float(np.log(wide / tall)),
        float((columns.mean() + 0.5) / width),
        float((rows.mean() + 0.5) / height),
        *ground_values,
    ]


def picture_family(real: Gallery, other: Gallery, family: str) -> Outcome:
    """Compare each statistic of a family."""
    _check(real, other)
    parts: dict[str, float | str] = {}
    means = {}
    for name in FAMILIES[family]:
        column = STATISTICS.index(name)
        sides = [pd.Series(gallery.features[:, column]) for gallery in (real, other)]
        parts[name] = ks_complement(*sides)
        means[name] = {"real": sides[0].mean(), "other": sides[1].mean()}
    return mean_of(parts, means=means)


def picture_distance(real: Gallery, other: Gallery, seed: int) -> Outcome:
    """Give the unbiased squared MMD, and how often mixed-up pictures come out as far apart (permutation test)."""
    _check(real, other)
    both = np.concatenate([real.features, other.features])
    # By one side's scale alone, the kernel would know the sides that are mixed up below.
    both = _standardized(both, both)
    kernel = (both @ both.T / both.shape[1] + 1) ** 3
    is_real = np.arange(len(both)) < len(real.features)
    value = _unbiased_mmd(kernel, is_real)
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(len(both),)))
    mixed = np.array([_unbiased_mmd(kernel, rng.permutation(is_real)) for _ in range(_PERMUTATIONS)])
    return Outcome(
        value=value,
        details={
            "p_value": float((1 + (mixed >= value).sum()) / (1 + _PERMUTATIONS)),
            "permutations": _PERMUTATIONS,
            "mixed_95": float(np.quantile(mixed, 0.95)),
            "pictures_real": len(real.features),
            "pictures_other": len(other.features),
        },
    )


def nearest(real: Gallery, other: Gallery, *, pairs: int) -> list[tuple[Photo, Photo, float]]:
    """Give the synthetic pictures that lie nearest to a real one by the statistics, nearest first.

    Returns:
        Synthetic picture, its nearest real one, and their distance in mean standard deviations.
    """
    if not len(real.features) or not len(other.features):
        return []
    left, right = (_standardized(real.features, gallery.features) for gallery in (other, real))
    distances = np.sqrt(((left[:, None, :] - right[None, :, :]) ** 2).mean(axis=2))
    partners = distances.argmin(axis=1)
    order = np.argsort(distances.min(axis=1), kind="stable")[:pairs]
    return [(other.photos[i], real.photos[partners[i]], float(distances[i, partners[i]])) for i in order]


def _check(real: Gallery, other: Gallery) -> None:
    for gallery, side in ((real, "real"), (other, "compared")):
        if not gallery.photos:
            raise NotMeasurable(f"the {side} data have no pictures")
    check_size(len(real.photos), len(other.photos), what="pictures")


def _standardized(reference: Floats, features: Floats) -> Floats:
    spread = reference.std(axis=0)
    centred = (features - reference.mean(axis=0)) / np.where(spread > 1e-9, spread, 1.0)
    clipped: Floats = np.clip(centred, -_CLIP, _CLIP)
    return clipped


def _unbiased_mmd(kernel: Floats, is_real: NDArray[np.bool_]) -> float:
    first, second = is_real.astype(float), (~is_real).astype(float)
    m, n = first.sum(), second.sum()
    diagonal = np.diag(kernel)
    within_first = (first @ kernel @ first - diagonal @ first) / (m * (m - 1))
    within_second = (second @ kernel @ second - diagonal @ second) / (n * (n - 1))
    return float(within_first + within_second - 2 * (first @ kernel @ second) / (m * n))
