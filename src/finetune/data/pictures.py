"""From a picture to the crops that the vision tower reads; exact to the published processor's ``pixel_values``.

Follows the HD transform of the published ``image_processing_phi3_v.py``: the picture is scaled so that at most
`num_crops` squares of 336 px cover it, padded with white, and cut; a small view of the whole comes first.
"""

import io
import math
import os
import warnings
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from torch import Tensor
from torch.nn.functional import interpolate

from finetune.errors import ProcessingError
from finetune.picture_tokens import CROP_PX, picture_tokens

MAX_CROPS = 16
MAX_PIXELS = 89_478_485
"""Pillow's own limit, above which a small file may be a decompression bomb."""
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
_POSTSCRIPT = "EPS"  # is a program; Pillow has Ghostscript run it
_WHITE = (255, 255, 255)

Picture = Image.Image | NDArray[np.uint8] | str | os.PathLike[str] | bytes
"""A picture, its pixels ``(height, width, 3)``, the path of its file, or the file's bytes."""


class Crops(NamedTuple):
    """One picture, cut up."""

    values: Tensor
    """``(1 + rows * columns, 3, 336, 336)``: the whole, then the crops row by row; normalised."""
    height: int
    """Px of the padded picture: 336 * rows."""
    width: int


def token_count(height: int, width: int) -> int:
    """Give how many tokens a picture becomes, from its padded size in px."""
    return picture_tokens(height // CROP_PX, width // CROP_PX)


def open_picture(source: Picture) -> Image.Image:
    """Open a picture as RGB; of an animation the first frame; transparency is dropped, 16 bits become 8.

    Raises:
        ProcessingError: If it is empty, damaged, of more than `MAX_PIXELS`, or of no known kind.
    """
    if isinstance(source, np.ndarray):
        source = _from_pixels(source)
    try:
        with warnings.catch_warnings():
            # Pillow warns at the limit that is refused below, before anything is decoded.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            if isinstance(source, Image.Image):
                return _checked(source)
            with Image.open(_readable(source), formats=_kinds()) as picture:
                return _checked(picture)
    except Image.DecompressionBombError as error:
        raise ProcessingError(f"it is too large: {error} Allowed are {MAX_PIXELS:,} pixels.") from error
    except ProcessingError:
        raise
    except UnidentifiedImageError as error:
        named = f"{os.fspath(source)}: " if isinstance(source, str | os.PathLike) else ""
        raise ProcessingError(f"it cannot be read as a picture: {named}it is of no known kind.") from error
    except Exception as error:  # Pillow's readers of rarer formats raise anything on damaged files
        raise ProcessingError(f"it cannot be read as a picture: {error}") from error


@cache
def _kinds() -> tuple[str, ...]:
    """List the kinds of file that are opened, whatever a file's name says."""
    Image.init()
    return tuple(kind for kind in Image.ID if kind != _POSTSCRIPT)


def _checked(picture: Image.Image) -> Image.Image:
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise ProcessingError(
            f"it has {width} x {height} px; allowed are {MAX_PIXELS:,} pixels. Scale it down."
        )
    if not width or not height:
        raise ProcessingError(f"it has {width} x {height} px; give a picture of at least 1 x 1.")
    return _as_rgb(picture)


def _readable(source: str | os.PathLike[str] | bytes) -> io.BytesIO | str | os.PathLike[str]:
    if isinstance(source, bytes):
        return io.BytesIO(source)
    if not isinstance(source, str | os.PathLike):
        raise ProcessingError(
            f"found {type(source).__name__}; give a PIL picture, an array, a path or bytes."
        )
    if "://" in os.fspath(source):
        raise ProcessingError(
            f"{source}: is a URL; nothing is downloaded. Give the picture itself, or its file."
        )
    return source


def _from_pixels(pixels: NDArray[np.uint8]) -> Image.Image:
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise ProcessingError(
            f"the array is {pixels.dtype} of shape {pixels.shape}; allowed is uint8 of shape (height, width, 3)."
        )
    if not pixels.size:
        raise ProcessingError(f"the array has shape {pixels.shape}; give a picture of at least 1 x 1.")
    return Image.fromarray(pixels)


def _as_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):
        # Pillow's own conversion turns all above 255 of 65,535 to white.
        values = np.asarray(picture).clip(0, 65_535)
        # Mode I holds whole numbers of any range; those that stay below 256 are greys of 8 bits.
        step = 1 if picture.mode == "I" and values.max() < 256 else 257
        return Image.fromarray((values // step).astype(np.uint8)).convert("RGB")
    if picture.mode == "F":
        raise ProcessingError(
            "it holds floating-point values, whose range is not known; save it with 8 or 16 bits."
        )
    return picture.convert("RGB")


def crop_picture(source: Picture, num_crops: int) -> Crops:
    """Cut a picture into a global view and at most `num_crops` crops, 1 to 16.

    Raises:
        ProcessingError: If the picture cannot be read or `num_crops` is out of range.
    """
    check_num_crops(num_crops)
    padded = _scaled_and_padded(open_picture(source), num_crops)
    pixels = torch.from_numpy(np.array(padded)).permute(2, 0, 1).to(torch.float32).div(255)
    mean, std = (torch.tensor(values)[:, None, None] for values in (CLIP_MEAN, CLIP_STD))
    whole = pixels.sub_(mean).div_(std)
    rows, columns = padded.height // CROP_PX, padded.width // CROP_PX
    cut = whole.view(3, rows, CROP_PX, columns, CROP_PX).permute(1, 3, 0, 2, 4).flatten(0, 1)
    small = interpolate(whole[None], size=(CROP_PX, CROP_PX), mode="bicubic")
    return Crops(torch.cat([small, cut]), padded.height, padded.width)


def check_num_crops(num_crops: int) -> None:
    """Refuse numbers of crops outside 1 to 16."""
    if (
        isinstance(num_crops, bool)
        or not isinstance(num_crops, int | np.integer)
        or not 1 <= num_crops <= MAX_CROPS
    ):
        raise ProcessingError(f"num_crops is {num_crops!r}; allowed are whole numbers from 1 to {MAX_CROPS}.")


def _scaled_and_padded(picture: Image.Image, num_crops: int) -> Image.Image:
    """Scale to a whole number of crops across the longer side, pad the other evenly with white."""
    upright = picture.width < picture.height
    if upright:
        picture = picture.transpose(Image.Transpose.TRANSPOSE)
    ratio = picture.width / picture.height
    columns = max(n for n in range(1, num_crops + 1) if n * math.ceil(n / ratio) <= num_crops)
    # A strip of extreme proportions keeps a line of pixels.
    height = max(1, int(columns * CROP_PX / ratio))
    picture = picture.resize((columns * CROP_PX, height), Image.Resampling.BILINEAR)
    padded_height = math.ceil(height / CROP_PX) * CROP_PX
    padded = Image.new("RGB", (picture.width, padded_height), _WHITE)
    padded.paste(picture, (0, int((padded_height - height) / 2)))
    return padded.transpose(Image.Transpose.TRANSPOSE) if upright else padded


def stack_crops(pictures: Sequence[Crops], num_crops: int) -> tuple[Tensor, Tensor]:
    """Join pictures: ``pixel_values`` ``(picture, num_crops + 1, 3, 336, 336)``, zeros where a picture has fewer
    crops, and ``image_sizes`` ``(picture, 2)``, height and width in px.
    """  # noqa: D205
    values = torch.zeros(len(pictures), num_crops + 1, 3, CROP_PX, CROP_PX)
    for row, picture in zip(values, pictures, strict=True):
        row[: len(picture.values)] = picture.values
    return values, torch.tensor([[picture.height, picture.width] for picture in pictures])
