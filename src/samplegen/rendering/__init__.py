"""Draws scenes: a pure function from `samplegen.domain.scene.Scene` to pixels."""

from samplegen.rendering.encoding import JPEG_QUALITY, encode_jpeg, encode_png
from samplegen.rendering.renderer import MAX_SIZE, MIN_SIZE, Renderer

__all__ = ["JPEG_QUALITY", "MAX_SIZE", "MIN_SIZE", "Renderer", "encode_jpeg", "encode_png"]
