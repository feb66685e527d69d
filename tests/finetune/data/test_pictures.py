import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from finetune.data.pictures import crop_picture, open_picture, token_count
from finetune.data.processor import Phi3VisionImageProcessor
from finetune.errors import ProcessingError

RED = (200, 30, 40)


def _bytes(picture, form, **options):
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def _noise(width=80, height=60):
    return Image.fromarray(np.random.default_rng(5).integers(0, 256, (height, width, 3), np.uint8))


def _cut(content, share=0.5):
    return content[: int(len(content) * share)]


def _chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _png_that_claims(width, height):
    """Give a PNG file of a few bytes whose header names any size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(100))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _animation(form):
    frames = [Image.new("RGB", (40, 30), color) for color in (RED, (0, 0, 255))]
    return _bytes(frames[0], form, save_all=True, append_images=frames[1:], **_LOSSLESS.get(form, {}))


_LOSSLESS = {"WEBP": {"lossless": True}}


def _palette():
    return Image.new("RGB", (20, 10), RED).quantize(4)


# Each picture, in one colour, and the colour that is read.
READABLE = {
    "RGB": (lambda: Image.new("RGB", (20, 10), RED), RED),
    "one pixel": (lambda: Image.new("RGB", (1, 1), RED), RED),
    "grey": (lambda: Image.new("L", (20, 10), 77), (77, 77, 77)),
    "1 bit": (lambda: Image.new("1", (20, 10), 1), (255, 255, 255)),
    "grey with transparency": (lambda: Image.new("LA", (20, 10), (77, 0)), (77, 77, 77)),
    "RGBA, whose transparency is dropped": (lambda: Image.new("RGBA", (20, 10), (*RED, 0)), RED),
    "palette": (_palette, RED),
    "palette in a file": (lambda: _bytes(_palette(), "PNG"), RED),
    "CMYK": (lambda: Image.new("CMYK", (20, 10), (0, 255, 255, 0)), (255, 0, 0)),
    "CMYK in a JPEG": (
        lambda: _bytes(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=100),
        (255, 0, 0),
    ),
    "YCbCr": (lambda: Image.new("YCbCr", (20, 10), (77, 128, 128)), (77, 77, 77)),
    "16 bits, black": (lambda: Image.new("I;16", (20, 10), 0), (0, 0, 0)),
    "16 bits, dark": (lambda: Image.new("I;16", (20, 10), 300), (1, 1, 1)),
    "16 bits, grey": (lambda: Image.new("I;16", (20, 10), 128 * 257), (128, 128, 128)),
    "16 bits, white": (lambda: Image.new("I;16", (20, 10), 65535), (255, 255, 255)),
    "16 bits in a PNG": (lambda: _bytes(Image.new("I;16", (20, 10), 128 * 257), "PNG"), (128, 128, 128)),
    "16 bits, big-endian": (lambda: Image.fromarray(np.full((9, 9), 128 * 257, ">u2")), (128, 128, 128)),
    "32 bits of 16": (lambda: Image.new("I", (20, 10), 128 * 257), (128, 128, 128)),
    "GIF of two frames": (lambda: _animation("GIF"), RED),
    "WebP of two frames": (lambda: _animation("WEBP"), RED),
    "APNG of two frames": (lambda: _animation("PNG"), RED),
    "array": (lambda: np.full((10, 20, 3), RED, np.uint8), RED),
    "array in another order": (lambda: np.full((3, 10, 20), 9, np.uint8).transpose(1, 2, 0), (9, 9, 9)),
}


@pytest.mark.parametrize(("make", "color"), READABLE.values(), ids=READABLE)
def test_pictures_of_every_kind_are_read(make, color):
    picture = open_picture(make())
    assert picture.mode == "RGB"
    assert np.abs(np.asarray(picture).astype(int) - color).max() <= 3  # a JPEG's rounding
    assert crop_picture(make(), 1).values.shape == (2, 3, 336, 336)


# What is given, and what is said of it.
REFUSED = {
    "no width": (lambda: Image.new("RGB", (0, 10)), r"it has 0 x 10 px; give a picture of at least 1 x 1"),
    "no height": (lambda: Image.new("L", (10, 0)), r"it has 10 x 0 px"),
    "floating point": (lambda: Image.new("F", (20, 10), 0.5), r"floating-point values.*save it with 8 or 16"),
    "a JPEG cut off": (lambda: _cut(_bytes(_noise(), "JPEG")), r"cannot be read as a picture: .*truncated"),
    "a PNG cut off": (lambda: _cut(_bytes(_noise(), "PNG")), r"cannot be read as a picture"),
    "a WebP cut off": (lambda: _cut(_bytes(_noise(), "WEBP")), r"cannot be read as a picture"),
    "a GIF cut off": (lambda: _cut(_bytes(_noise(), "GIF")), r"cannot be read as a picture"),
    "a TIFF cut off": (lambda: _cut(_bytes(_noise(), "TIFF")), r"cannot be read as a picture"),
    "a header alone": (lambda: _cut(_bytes(_noise(), "PNG"), 0.003), r"cannot be read as a picture"),
    "a PNG spoiled": (
        lambda: _bytes(_noise(), "PNG").replace(b"IDAT", b"IDAX"),
        r"cannot be read as a picture",
    ),
    "a bomb": (
        lambda: _png_that_claims(50_000, 50_000),
        r"it is too large: .* Allowed are 89,478,485 pixels",
    ),
    "a smaller bomb": (
        lambda: _bytes(Image.new("1", (10_000, 10_000)), "PNG"),
        r"it has 10000 x 10000 px; allowed are 89,478,485 pixels. Scale it down",
    ),
    "a large picture in memory": (lambda: Image.new("1", (10_000, 10_000)), r"it has 10000 x 10000 px"),
    "a size that the data lack": (lambda: _png_that_claims(5_000, 5_000), r"cannot be read as a picture"),
    "a text": (lambda: b"Product: Shirt", r"cannot be read as a picture"),
    "nothing": (lambda: b"", r"cannot be read as a picture"),
    "a URL": (lambda: "https://shop.example/a.jpg", r"a.jpg: is a URL; nothing is downloaded"),
    "a file that is not there": (lambda: "no/such.png", r"cannot be read as a picture: .*no/such\.png"),
    "a folder": (lambda: ".", r"cannot be read as a picture"),
    "a path with a zero": (lambda: "a\0.png", r"cannot be read as a picture"),
    "a number": (lambda: 7, r"found int; give a PIL picture, an array, a path or bytes"),
    "None": (lambda: None, r"found NoneType"),
    "floats": (lambda: np.zeros((9, 9, 3)), r"the array is float64 of shape \(9, 9, 3\); allowed is uint8"),
    "grey pixels": (lambda: np.zeros((9, 9), np.uint8), r"allowed is uint8 of shape \(height, width, 3\)"),
    "colours first": (lambda: np.zeros((3, 9, 9), np.uint8), r"uint8 of shape \(3, 9, 9\)"),
    "RGBA pixels": (lambda: np.zeros((9, 9, 4), np.uint8), r"uint8 of shape \(9, 9, 4\)"),
    "no pixels": (
        lambda: np.zeros((0, 9, 3), np.uint8),
        r"shape \(0, 9, 3\); give a picture of at least 1 x 1",
    ),
}


@pytest.mark.parametrize(("make", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_picture_is_refused(make, message):
    with pytest.raises(ProcessingError, match=rf"^picture 2 of 2: .*{message}"):
        Phi3VisionImageProcessor(num_crops=1)([Image.new("RGB", (2, 2)), make()])


def test_a_file_is_read_by_its_path(tmp_path):
    path = tmp_path / "picture.png"
    _noise().save(path)
    expected = crop_picture(_noise(), 2)
    for source in (path, str(path), path.read_bytes(), np.asarray(_noise())):
        assert crop_picture(source, 2).values.equal(expected.values)


def test_a_text_file_is_no_picture(tmp_path):
    (tmp_path / "list.txt").write_text("Product: Shirt")
    with pytest.raises(ProcessingError, match=r"cannot be read as a picture: .*list\.txt"):
        open_picture(tmp_path / "list.txt")


def test_a_picture_given_is_left_as_it_is():
    picture = _noise()
    before = picture.tobytes()
    crop_picture(picture, 4)
    assert (picture.tobytes(), picture.size, picture.mode) == (before, (80, 60), "RGB")


@pytest.mark.parametrize(
    ("size", "padded"),
    [((1, 5000), (16, 1)), ((5000, 1), (1, 16)), ((1, 1), (4, 4)), ((5000, 400), (1, 12))],
)
def test_extreme_proportions_keep_a_line_of_pixels(size, padded):
    crops = crop_picture(Image.new("RGB", size, (0, 0, 0)), 16)
    assert (crops.height // 336, crops.width // 336) == padded
    assert crops.values[1:].min() < -1.5  # black is there beside the white


@pytest.mark.parametrize("num_crops", [0, 17, -1, 1.5, True, None, "4"])
def test_numbers_of_crops_are_whole_and_at_most_16(num_crops):
    with pytest.raises(ProcessingError, match="allowed are whole numbers from 1 to 16"):
        crop_picture(Image.new("RGB", (2, 2)), num_crops)


def sides():
    """Sides in px, rarely long, so that proportions are wild too."""
    return st.one_of(st.integers(1, 60), st.integers(1, 2500))


@settings(deadline=None, max_examples=20)
@given(width=sides(), height=sides(), num_crops=st.integers(1, 16))
def test_crops_keep_to_their_number_and_to_whole_squares(width, height, num_crops):
    crops = crop_picture(Image.new("RGB", (width, height)), num_crops)
    rows, columns = crops.height // 336, crops.width // 336
    assert (crops.height % 336, crops.width % 336) == (0, 0)
    assert 1 <= rows * columns <= num_crops
    assert crops.values.shape == (1 + rows * columns, 3, 336, 336)
    assert bool(crops.values.isfinite().all())


@settings(deadline=None, max_examples=25)
@given(rows=st.integers(1, 16), columns=st.integers(1, 16))
def test_models_and_processors_count_the_same_tokens(model, rows, columns):
    size = (336 * rows, 336 * columns)
    assert token_count(*size) == model.model.vision_embed_tokens.token_count(*size)


# The published rule at its simplest: a square.
@pytest.mark.parametrize(("num_crops", "tokens"), [(1, 313), (4, 757), (16, 2509)])
def test_a_square_has_the_published_number_of_tokens(num_crops, tokens):
    crops = crop_picture(Image.new("RGB", (50, 50)), num_crops)
    assert token_count(crops.height, crops.width) == tokens
