"""Bytes from outside to pictures: what counts as one, and its form in a dataset.

The type is what a decoder finds, never what a server or a file name says. Only raster formats without a history
as a carrier of programs are tried, and a picture is decoded in full before it is kept.
"""

import functools
import io

from PIL import Image, ImageOps, UnidentifiedImageError

from samplegen.realdata.failures import PictureFailure

ALLOWED = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "AVIF")
JPEG_QUALITY = 95
"""Of pictures that did not come as JPEG."""
PAPER = (255, 255, 255)
"""What transparent pixels become."""
_ORIENTATION = 0x0112
_UPRIGHT = (None, 0, 1)


@functools.cache
def _readable() -> tuple[str, ...]:
    """Return the allowed formats that this Pillow can read."""
    Image.init()
    return tuple(name for name in ALLOWED if name in Image.OPEN)


def check_picture(content: bytes, *, pixels: int) -> bool:
    """Decode a picture in full and tell whether a dataset may hold its bytes as they are.

    Args:
        content: The file.
        pixels: The most pixels that are decoded.

    Returns:
        True for an upright JPEG in RGB or grey, False for what `to_jpeg` has to make one of.

    Raises:
        PictureFailure: If it is no picture, is cut off or damaged, or has too many pixels.
    """
    try:
        with Image.open(io.BytesIO(content), formats=_readable()) as image:
            if image.width * image.height > pixels:
                raise PictureFailure(f"has {image.width} x {image.height} pixels; allowed are {pixels:,}")
            image.load()
            upright = image.getexif().get(_ORIENTATION) in _UPRIGHT
            return image.format == "JPEG" and image.mode in ("RGB", "L") and upright
    except PictureFailure:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureFailure(f"has too many pixels; allowed are {pixels:,}") from None
    except UnidentifiedImageError:
        raise PictureFailure(f"is no picture: {_looks_like(content)}") from None
    except Exception as error:  # decoders raise nearly anything on damaged bytes
        raise PictureFailure(f"is cut off or damaged: {error}") from error


def _looks_like(content: bytes) -> str:
    start = content[:512].lstrip().lower()
    if not content:
        return "the body is empty"
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "the body is an HTML page"
    if start.startswith((b"<?xml", b"<svg")):
        return "the body is XML or SVG"
    return f"none of {', '.join(_readable())}"


def to_jpeg(content: bytes) -> bytes:
    """Return a picture that `check_picture` accepted as an upright RGB or grey JPEG: same bytes, same result.

    The first frame of an animation is taken, and transparent pixels become white. The colour profile stays; other
    metadata (EXIF, comments) goes.
    """
    with Image.open(io.BytesIO(content), formats=_readable()) as image:
        profile = image.info.get("icc_profile") if image.mode in ("RGB", "RGBA") else None
        upright = ImageOps.exif_transpose(image)
        output = io.BytesIO()
        options = {"icc_profile": profile} if profile else {}
        _flat(upright).save(output, format="JPEG", quality=JPEG_QUALITY, subsampling=0, **options)
    return output.getvalue()


def _flat(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits a pixel: a plain conversion would cut off, not scale
        return image.convert("I").point(lambda value: value / 256).convert("L")
    if image.has_transparency_data:
        above = image.convert("RGBA")
        below = Image.new("RGBA", above.size, (*PAPER, 255))
        return Image.alpha_composite(below, above).convert("RGB")
    return image if image.mode in ("L", "RGB") else image.convert("RGB")
