"""Pixels to bytes."""

import cv2
import numpy as np
from numpy.typing import NDArray

from samplegen.rendering.ground import Image

JPEG_QUALITY = 90


def encode_jpeg(image: Image, quality: int = JPEG_QUALITY) -> bytes:
    """Return an ``(height, width, 3)`` RGB picture as a JPEG file; same pixels, same bytes."""
    _, data = cv2.imencode(
        ".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    return data.tobytes()


def encode_png(mask: NDArray[np.uint8]) -> bytes:
    """Return an ``(height, width)`` mask as a PNG file, lossless."""
    _, data = cv2.imencode(".png", mask)
    return data.tobytes()
