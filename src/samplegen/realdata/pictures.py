"""Bytes from outside to pictures: what counts as one, and its form in a dataset.

The type is what a decoder finds, never what a server or a file name says. Only raster formats without a history
as a carrier of programs are tried, and a picture is decoded in full before it is kept.
"""

import functools
import io

from PIL import Image, UnidentifiedImageError

from samplegen.realdata.failures import DamagedPicture, PictureFailure

ALLOWED = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "AVIF")
JPEG_QUALITY = 95
"""Of pictures that did not come as JPEG."""
LONGEST_SIDE = 65_500
"""Of a JPEG, in pixels."""
PAPER = (255, 255, 255)
"""What transparent pixels become."""
_ORIENTATION = 0x0112
_TURNS: dict[object, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a picture upright, by its orientation in EXIF; all others are."""


@functools.cache
def _readable() -> tuple[str, ...]:
    """Return the allowed formats that this Pillow can read."""
    Image.init()
    return tuple(name for name in ALLOWED if name in Image.OPEN)


def as_jpeg(content: bytes, *, pixels: int) -> bytes:
    """Decode a picture in full and return it as an upright JPEG in RGB or grey: same bytes, same result.

    What comes as one is kept byte for byte. Else the first frame of an animation is taken, and transparent pixels
    become white; the colour profile stays, other metadata (EXIF, comments) goes.

    Args:
        content: The file.
        pixels: The most pixels that are decoded.

    Raises:
        PictureFailure: If it is no picture, is cut off or damaged (`DamagedPicture`), or has too many pixels.
    """
    try:
        with Image.open(io.BytesIO(content), formats=_readable()) as image:
            if image.width * image.height > pixels:
                reason = f"has {image.width} x {image.height} pixels; allowed are {pixels:,}"
                raise PictureFailure(reason, lasting=False)
            image.load()
            turn = _TURNS.get(image.getexif().get(_ORIENTATION))
            if image.format == "JPEG" and image.mode in ("RGB", "L") and turn is None:
                return content
            if max(image.size) > LONGEST_SIDE:
                raise PictureFailure(
                    f"has {image.width} x {image.height} pixels; a JPEG has at most {LONGEST_SIDE:,} a side"
                )
            return _encode(image, turn)
    except PictureFailure:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureFailure(f"has too many pixels; allowed are {pixels:,}") from None
    except UnidentifiedImageError:
        raise PictureFailure(f"is no picture: {_looks_like(content)}") from None
    except Exception as error:  # decoders raise nearly anything on damaged bytes
        raise DamagedPicture(f"is cut off or damaged: {error}") from error


def _looks_like(content: bytes) -> str:
    start = content[:512].lstrip().lower()
    if not content:
        return "the body is empty"
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "the body is an HTML page"
    if start.startswith((b"<?xml", b"<svg")):
        return "the body is XML or SVG"
    return f"none of {', '.join(_readable())}"


def _encode(image: Image.Image, turn: Image.Transpose | None) -> bytes:
    profile = image.info.get("icc_profile") if image.mode in ("RGB", "RGBA") else None
    # Not `ImageOps.exif_transpose`: it writes the other tags anew, which fails on wrong ones.
    upright = image if turn is None else image.transpose(turn)
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
